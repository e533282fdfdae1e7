"""`benchmark_host`: .tflite files on this machine's processor."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.host import child
from tflite_tools.host.delegation import ops_not_taken
from tflite_tools.host.machine import describe_machine
from tflite_tools.host.measuring import Times, measure
from tflite_tools.host.profiling import profile_operators
from tflite_tools.host.records import HostRecord
from tflite_tools.host.report import HostReport
from tflite_tools.host.storing import write_host_report
from tflite_tools.interpreter import LiteModel
from tflite_tools.naming import file_names
from tflite_tools.output_folder import output_folder
from tflite_tools.paths import checked_paths
from tflite_tools.progress import Progress
from tflite_tools.thread_counts import checked_threads
from tflite_tools.trial import check_runs
from tflite_tools.worker import run_in_worker


def benchmark_host(
    files: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    threads: int | Sequence[int] = 1,
    rounds: int = 20,
    warmup: int = 5,
    op_profile: bool = False,
    progress: Progress | None = None,
) -> HostReport:
    """Times .tflite files against each other on this machine's processor, by LiteRT and XNNPACK.

    All files with all numbers of threads take turns, a few runs each, so that a change in the
    machine's speed meets all of them: the ratios hold where the milliseconds do not. How long a
    file takes to load, and how much memory it needs, is measured in a fresh process for each.

    Args:
        files: The .tflite files; the ratios are to the first.
        output: The folder to write the report to, as `host.json`; made if missing, and what
            others have written there stays. None for none.
        threads: How many threads the interpreter may use, one number or several.
        rounds: How many turns each file gets.
        warmup: How many untimed runs each file gets beforehand.
        op_profile: Whether to time the operators one by one, apart from the other runs.
        progress: Called with a file, how much of it is done, and how much there is to do.

    Returns:
        A `HostReport`, with a record for each number of threads and file; print it.

    Raises:
        ToolError: A file or an argument cannot be used.
    """
    machine = describe_machine()
    chosen = checked_paths(files, what="files")
    counts = checked_threads(threads)
    for name, value, least in (("rounds", rounds, 1), ("warmup", warmup, 0)):
        if value < least:
            raise ToolError(f"{name}: expected {least} or more, got {value}.")
    with output_folder(output) if output is not None else nullcontext() as folder:
        for file in chosen:
            check_runs(file)
        records = tuple(_records(chosen, counts, rounds, warmup, progress))
        problems: list[str] = []
        if op_profile:
            names = file_names(chosen)
            records = tuple(
                _with_profile(record, names[record.file], problems) for record in records
            )
        report = HostReport(machine, rounds, records, tuple(problems))
        if folder is not None:
            write_host_report(report, folder)
    return report


def _records(
    files: Sequence[Path],
    threads: Sequence[int],
    rounds: int,
    warmup: int,
    progress: Progress | None,
) -> Iterator[HostRecord]:
    pairs = [(file, count) for count in threads for file in files]
    steps = _Steps(progress, files, len(threads) * (1 + rounds))
    fresh = []
    for file, count in pairs:
        fresh.append(run_in_worker(child.load_and_run, {"path": str(file), "num_threads": count}))
        steps.done(file)
    models = [LiteModel(file, num_threads=count) for file, count in pairs]
    times = measure(models, rounds, warmup, lambda index: steps.done(models[index].path))
    for index, (model, (_, count)) in enumerate(zip(models, pairs, strict=True)):
        first = times[index - index % len(files)]
        yield _record(model, count, times[index], first, fresh[index])


def _with_profile(record: HostRecord, name: str, problems: list[str]) -> HostRecord:
    try:
        profile = profile_operators(record.file, record.num_threads)
    except ToolError as error:
        line = str(error).splitlines()[0]
        problems.append(f"{name}: the operators cannot be timed: {line}.")
        return record
    return replace(record, op_profile=profile)


class _Steps:
    """What of each file is done; a file that is given twice has twice as much."""

    def __init__(self, progress: Progress | None, files: Sequence[Path], each: int) -> None:
        self._progress = progress
        self._total = {file: each * files.count(file) for file in files}
        self._done = dict.fromkeys(files, 0)

    def done(self, file: Path) -> None:
        self._done[file] += 1
        if self._progress is not None:
            self._progress(file, self._done[file], self._total[file])


def _record(
    model: LiteModel,
    num_threads: int,
    times: Times,
    first: Times,
    fresh: dict[str, Any],
) -> HostRecord:
    """The figures of one model; `first` are the times of the one that ratios are to."""
    total, others = ops_not_taken(model)
    wall, cpu_ms = times.wall, float(np.median(times.cpu))
    by_round = np.median(wall, axis=1) / np.median(first.wall, axis=1)
    low, high = np.percentile(by_round, (25, 75))
    first_cpu_ms = float(np.median(first.cpu))
    return HostRecord(
        file=model.path,
        sha256=hashlib.sha256(model.content).hexdigest(),
        num_threads=num_threads,
        runs=wall.size,
        mean_ms=float(wall.mean()),
        median_ms=float(np.median(wall)),
        p95_ms=float(np.percentile(wall, 95)),
        std_ms=float(wall.std()),
        min_ms=float(wall.min()),
        ratio=float(np.median(by_round)),
        ratio_spread=(float(low), float(high)),
        cpu_ms=cpu_ms,
        cpu_ratio=cpu_ms / first_cpu_ms if first_cpu_ms else None,
        throughput=1000 / float(wall.mean()),
        init_ms=fresh["init_ms"],
        peak_memory_mb=fresh["peak_memory_mb"],
        size_bytes=len(model.content),
        ops_total=total,
        ops_not_taken=others,
        measured_shape=(model.batch_size, *model.sample_shape) if model.any_size else None,
    )
