"""Latency of .tflite files on this machine."""

import os
import time
from collections.abc import Iterable

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel
from tflite_tools.records import LatencyRecord
from tflite_tools.trial import check_runs

# A few runs in a row per round: the first after another file finds that file in the caches.
_RUNS_PER_ROUND = 5


def benchmark_host(
    files: Iterable[str | os.PathLike[str]],
    *,
    num_threads: int = 1,
    rounds: int = 20,
    warmup: int = 5,
) -> list[LatencyRecord]:
    """Times .tflite files against each other on this machine's processor.

    The files take turns, a few runs each, so that a change in the machine's speed meets all of
    them: the ratios hold where the milliseconds do not.

    Args:
        files: The .tflite files; the ratios are to the first.
        num_threads: How many threads the interpreter may use.
        rounds: How many turns each file gets.
        warmup: How many untimed runs each file gets beforehand.

    Returns:
        One `LatencyRecord` for each file, in their order.
    """
    chosen = list(files)
    for file in chosen:
        check_runs(file)
    models = [LiteModel(file, num_threads=num_threads) for file in chosen]
    if not models or rounds < 1 or warmup < 0:
        raise ToolError(
            "benchmark_host: expected at least one file, one round and no negative warmup, got "
            f"{len(models)} files, rounds={rounds}, warmup={warmup}."
        )
    for model in models:
        _prepare(model, warmup)
    times = np.array([[_timed_runs(model) for model in models] for _ in range(rounds)])
    by_model = times.transpose(1, 0, 2).reshape(len(models), -1)
    first_median = float(np.median(by_model[0]))
    return [
        LatencyRecord(
            file=model.path,
            num_threads=num_threads,
            runs=len(runs),
            mean_ms=float(runs.mean()),
            median_ms=float(np.median(runs)),
            p95_ms=float(np.percentile(runs, 95)),
            std_ms=float(runs.std()),
            ratio=float(np.median(runs)) / first_median,
        )
        for model, runs in zip(models, by_model, strict=True)
    ]


def _prepare(model: LiteModel, warmup: int) -> None:
    noise = np.random.default_rng(0).standard_normal((model.batch_size, *model.sample_shape))
    model.load(noise.astype(np.float32))
    for _ in range(warmup):
        model.invoke()


def _timed_runs(model: LiteModel) -> list[float]:
    """The milliseconds of each run of one turn."""
    milliseconds = []
    for _ in range(_RUNS_PER_ROUND):
        start = time.perf_counter_ns()
        model.invoke()
        milliseconds.append((time.perf_counter_ns() - start) / 1e6)
    return milliseconds
