"""`benchmark_android`: files × delegates on every phone that is connected."""

import os
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from tflite_tools.android.connection import Connection
from tflite_tools.android.executing import Cargo
from tflite_tools.android.judging import Reference
from tflite_tools.android.one_phone import Job, Result, work_on
from tflite_tools.android.phones import connected_phones
from tflite_tools.android.planning import (
    Model,
    Settings,
    check_delegates,
    left_out,
)
from tflite_tools.android.programs import read_program
from tflite_tools.android.reporting import AndroidReport
from tflite_tools.errors import ToolError
from tflite_tools.interpreter import read_tflite
from tflite_tools.output_folder import output_folder
from tflite_tools.progress import Progress
from tflite_tools.thread_counts import checked_threads

_PathLike = str | os.PathLike[str]
_NIGHTLY = (
    "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/release/lite/tools/"
    "nightly/latest/android_aarch64_benchmark_model"
)
_LIBRARY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_POLL_SECONDS = 0.2


def benchmark_android(
    files: Sequence[_PathLike],
    output: _PathLike,
    *,
    binaries: Sequence[_PathLike],
    serials: Sequence[str] | None = None,
    delegates: Sequence[str] = ("cpu",),
    libraries: Sequence[_PathLike] = (),
    threads: int | Sequence[int] = 4,
    runs: int = 50,
    repeats: int = 3,
    cool_down: float = 10.0,
    timeout: float = 300.0,
    tolerance: float = 0.05,
    op_profile: bool = False,
    progress: Progress | None = None,
) -> AndroidReport:
    """Measures .tflite files on the phones that are connected, with every delegate asked for.

    All phones work at the same time, each of them on one run at a time, on its big cores. Every
    finished run is kept at once, so that a second call with the same arguments runs only what is
    missing. Figures count as a delegate's only if the log says that the delegate ran. Outputs are
    compared with those of this machine's CPU. What was put on the phone is removed in the end.

    Args:
        files: The .tflite files, each with one input and one output.
        output: The folder for logs and results; made if missing.
        binaries: Android builds of `benchmark_model`, TFLite's or LiteRT's; nothing else is run.
        serials: The phones to use; None for all.
        delegates: "cpu", "gpu", "nnapi", "nnapi:ACCELERATOR", "hexagon" or "qnn".
        libraries: The vendor's libraries that the delegates need; pushed beside the binary.
        threads: How many threads the CPU's operators may use; each number gets runs of its own.
        runs: How many runs each start of the binary times.
        repeats: How often each combination is started.
        cool_down: Seconds between two runs; more while the phone is warmer than at the beginning.
        timeout: Seconds after which a run is stopped.
        tolerance: The largest error of the outputs, relative to the largest of them, that passes.
        op_profile: Whether to time the operators one by one, which makes the runs slower.
        progress: Called with a phone's serial as a path, its finished runs, and how many there are.

    Returns:
        An `AndroidReport`; print it.

    Raises:
        ToolError: A file or an argument cannot be used, or no phone can.
        KeyboardInterrupt: As it is; its arguments say what each phone has finished.
    """
    settings = _settings(delegates, threads, runs, repeats, op_profile)
    _check_seconds(cool_down, timeout, tolerance)
    references = {Path(file): Reference(Path(file), tolerance) for file in files}
    cargo = _cargo(references, binaries, libraries)
    phones, problems = connected_phones(serials)
    with output_folder(output) as folder:
        job = Job(cargo, references, settings, folder, cool_down, timeout, tolerance, progress)
        results = _on_all(phones, job)
    problems += [problem for result in results for problem in result.problems]
    report = AndroidReport(
        output=folder,
        devices=tuple(result.info for result in results if result.info),
        runs=tuple(run for result in results for run in result.runs),
        left_out=tuple(left_out(cargo.programs, settings.delegates)),
        problems=tuple(problems),
    )
    if not report.runs:
        raise ToolError(" ".join(problems) or " ".join(report.left_out))
    return report


def _settings(
    delegates: Sequence[str],
    threads: int | Sequence[int],
    runs: int,
    repeats: int,
    op_profile: bool,
) -> Settings:
    for name, value in (("runs", runs), ("repeats", repeats)):
        if value < 1:
            raise ToolError(f"{name}: expected 1 or more, got {value}.")
    counts = checked_threads(threads)
    return Settings(check_delegates(delegates), counts, runs, repeats, op_profile)


def _check_seconds(cool_down: float, timeout: float, tolerance: float) -> None:
    if not (cool_down >= 0 and timeout > 0 and tolerance > 0):
        raise ToolError(
            "expected a cool-down of 0 seconds or more, and a time-out and a tolerance above 0, "
            f"got {cool_down}, {timeout} and {tolerance}."
        )


def _cargo(
    references: dict[Path, Reference],
    binaries: Sequence[_PathLike],
    libraries: Sequence[_PathLike],
) -> Cargo:
    if not references:
        raise ToolError("expected one or more .tflite files, got none.")
    if not binaries:
        raise ToolError(
            "expected an Android build of benchmark_model: name one (--binary PATH). TensorFlow's "
            f"is at {_NIGHTLY}"
        )
    models = [
        Model(
            path=path,
            content=read_tflite(path),
            sample=reference.sample,
            input_name=reference.model.input_name,
            input_shape=(reference.model.batch_size, *reference.model.sample_shape),
        )
        for path, reference in references.items()
    ]
    return Cargo(
        models,
        [read_program(Path(path)) for path in binaries],
        [_library(Path(path)) for path in libraries],
    )


def _library(path: Path) -> tuple[str, bytes]:
    if not _LIBRARY_NAME.fullmatch(path.name):
        raise ToolError(
            f"{path}: expected a library whose name has only letters, digits, _, ., + and -."
        )
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: expected a readable library: {error.strerror}.") from error


def _on_all(phones: Sequence[Any], job: Job) -> list[Result]:
    """Runs the job on all phones at once; Ctrl-C lets each of them clean up first."""
    stopped = threading.Event()
    with ThreadPoolExecutor(max_workers=len(phones)) as pool:
        futures = [pool.submit(work_on, Connection(phone, stopped), job) for phone in phones]
        try:
            while wait(futures, timeout=_POLL_SECONDS).not_done:
                pass
        except KeyboardInterrupt as error:
            stopped.set()
            wait(futures)
            said = [problem for future in futures for problem in future.result().problems]
            raise KeyboardInterrupt(*said) from error
        except BaseException:
            stopped.set()
            raise
        return [future.result() for future in futures]
