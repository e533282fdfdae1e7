"""`benchmark_android`: files × delegates on every phone that is connected."""

import os
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_tools.android.connection import Connection, DeviceLostError, StoppedError
from tflite_tools.android.executing import Cargo, run_missing
from tflite_tools.android.identify import identify, with_known_cores
from tflite_tools.android.judging import Reference, judge
from tflite_tools.android.phones import connected_phones
from tflite_tools.android.planning import (
    Model,
    Settings,
    check_delegates,
    left_out,
    plan_runs,
)
from tflite_tools.android.programs import check_abi, read_program
from tflite_tools.android.records import AndroidRun, DeviceInfo
from tflite_tools.android.records_on_disk import RunFolder, StoredPhone
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


@dataclass(frozen=True)
class _Job:
    """What is the same for every phone."""

    cargo: Cargo
    references: dict[Path, Reference]
    settings: Settings
    folder: Path
    cool_down: float
    timeout: float
    tolerance: float
    progress: Progress | None


@dataclass(frozen=True)
class _Result:
    """What became of one phone."""

    info: DeviceInfo | None
    runs: tuple[AndroidRun, ...]
    problems: tuple[str, ...]


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
    """
    settings = _settings(delegates, threads, runs, repeats, op_profile)
    _check_seconds(cool_down, timeout, tolerance)
    references = {Path(file): Reference(Path(file), tolerance) for file in files}
    cargo = _cargo(references, binaries, libraries)
    phones, problems = connected_phones(serials)
    with output_folder(output) as folder:
        job = _Job(cargo, references, settings, folder, cool_down, timeout, tolerance, progress)
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


def _on_all(phones: Sequence[Any], job: _Job) -> list[_Result]:
    """Runs the job on all phones at once; Ctrl-C lets each of them clean up first."""
    stopped = threading.Event()
    with ThreadPoolExecutor(max_workers=len(phones)) as pool:
        futures = [pool.submit(_on_one, Connection(phone, stopped), job) for phone in phones]
        try:
            while wait(futures, timeout=_POLL_SECONDS).not_done:
                pass
        except BaseException:
            stopped.set()
            raise
        return [future.result() for future in futures]


def _on_one(connection: Connection, job: _Job) -> _Result:
    info = problem = None
    runs: tuple[AndroidRun, ...] = ()
    damaged: list[str] = []
    try:
        info = identify(connection)
        cargo = job.cargo
        check_abi(cargo.programs, info)
        folder = RunFolder(job.folder, info.serial)
        if (before := folder.known_phone()) is not None:
            info = with_known_cores(info, before.device)
        plan = plan_runs(cargo.models, cargo.programs, cargo.libraries, job.settings, info)
        folder.save_phone(StoredPhone(info, job.tolerance, plan))
        name = Path(info.serial)
        try:
            run_missing(
                connection,
                info,
                plan,
                cargo,
                folder,
                cool_down=job.cool_down,
                timeout=job.timeout,
                progress=lambda done: job.progress(name, done, len(plan)) if job.progress else None,
            )
        finally:
            stored, damaged = folder.load_all(plan)
            runs = tuple(
                judge(run, info.serial, folder.log(run), found, job.references[run.file])
                for run, found in stored
            )
    except DeviceLostError as error:
        problem = (
            f"{connection.serial}: lost after {len(runs)} finished runs ({error}). Connect it "
            "again and repeat the command: it runs only what is missing."
        )
    except ToolError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{connection.serial}: results cannot be written: {error}. Make room and repeat."
    except StoppedError:
        problem = f"{connection.serial}: interrupted after {len(runs)} finished runs."
    return _Result(info, runs, (*([problem] if problem else []), *damaged))
