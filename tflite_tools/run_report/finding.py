"""What a folder holds that a report can be made of."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tflite_tools.android.records_on_disk import PHONE_FILE
from tflite_tools.errors import ToolError
from tflite_tools.evaluation_file import PATTERN
from tflite_tools.host import PATTERN as HOSTS

# The folder itself, what a benchmark writes into it, and phones in that.
_DEPTHS = ("", "*/", "*/*/")


@dataclass(frozen=True)
class Found:
    """Where runs and evaluations lie in a folder.

    Attributes:
        hosts: The files of computers.
        phones: The folders of phones.
        evaluations: The files of evaluations.
        outdated: Folders with runs of a phone that an older version wrote, without the phone.
    """

    hosts: tuple[Path, ...]
    phones: tuple[Path, ...]
    evaluations: tuple[Path, ...]
    outdated: tuple[Path, ...]


def find_runs(folder: Path) -> Found:
    """Looks for what the tools write, in a folder and in its sub-folders.

    Raises:
        ToolError: It is no folder, or there is nothing of that kind in it.
    """
    if not folder.is_dir():
        raise ToolError(f"{folder}: expected a folder with runs, got {_instead(folder)}.")
    phones = tuple(path.parent for path in _matching(folder, PHONE_FILE))
    found = Found(
        hosts=tuple(_matching(folder, HOSTS)),
        phones=phones,
        evaluations=tuple(_matching(folder, PATTERN)),
        outdated=tuple(path for path in _with_logs(folder) if path not in phones),
    )
    if found == Found((), (), (), ()):
        raise ToolError(
            f"{folder}: holds no runs. A run folder is what `tflite-tools benchmark FILE... "
            "--android -o FOLDER`, or --host, writes and what `tflite-tools evaluate FILE... -o "
            "FOLDER` adds accuracies to."
        )
    return found


def _instead(folder: Path) -> str:
    return "a file" if folder.exists() else "nothing of that name"


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    for depth in _DEPTHS:
        yield from sorted(folder.glob(depth + pattern))


def _with_logs(folder: Path) -> Iterator[Path]:
    """The folders in which a log lies beside the record of its run."""
    seen = set()
    for log in _matching(folder, "*.log"):
        if log.parent not in seen and _is_run(log.with_suffix(".json")):
            seen.add(log.parent)
            yield log.parent


def _is_run(record: Path) -> bool:
    try:
        content = json.loads(record.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and {"argv", "exit_code"} <= content.keys()
