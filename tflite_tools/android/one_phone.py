"""All that is asked of one phone, and what became of it."""

from dataclasses import dataclass
from pathlib import Path

from tflite_tools.android.connection import Connection, DeviceLostError, StoppedError
from tflite_tools.android.executing import Cargo, run_missing
from tflite_tools.android.identify import identify, with_known_cores
from tflite_tools.android.judging import Reference, judge
from tflite_tools.android.planning import Settings, plan_runs
from tflite_tools.android.programs import check_abi
from tflite_tools.android.records import AndroidRun, DeviceInfo
from tflite_tools.android.records_on_disk import RunFolder, StoredPhone
from tflite_tools.errors import ToolError
from tflite_tools.progress import Progress


@dataclass(frozen=True)
class Job:
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
class Result:
    """What became of one phone."""

    info: DeviceInfo | None
    runs: tuple[AndroidRun, ...]
    problems: tuple[str, ...]


def work_on(connection: Connection, job: Job) -> Result:
    """Runs what is missing; whatever goes wrong is one of the result's problems."""
    info = problem = None
    runs: tuple[AndroidRun, ...] = ()
    damaged: list[str] = []
    written_to = job.folder
    try:
        info = identify(connection)
        cargo = job.cargo
        check_abi(cargo.programs, info)
        folder = RunFolder(job.folder, info.serial)
        written_to = folder.path
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
        problem = _removed(connection.serial, written_to) or str(error)
    except OSError as error:
        problem = _removed(connection.serial, written_to) or (
            f"{connection.serial}: results cannot be written: {error}. Make room there or choose "
            "another folder, and repeat."
        )
    except StoppedError:
        problem = (
            f"{connection.serial}: interrupted after {len(runs)} finished runs. Repeat the "
            "command: it runs only what is missing."
        )
    return Result(info, runs, (*([problem] if problem else []), *damaged))


def _removed(serial: str, folder: Path) -> str | None:
    """What to say where the folder itself is gone; None if it is there."""
    if folder.is_dir():
        return None
    return (
        f"{serial}: {folder} was removed while runs were written to it, and finished ones with it. "
        "Repeat the command, and leave the folder alone until it ends."
    )
