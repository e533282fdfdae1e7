"""Runs on a phone that were kept on disk, made records again without the phone."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tflite_tools.android.judging import Reference, judge
from tflite_tools.android.records import AndroidRun, DeviceInfo, PlannedRun
from tflite_tools.android.records_on_disk import PHONE_FILE, Stored, read_phone, read_run
from tflite_tools.errors import ToolError


@dataclass(frozen=True)
class PhoneRuns:
    """What a phone's folder holds.

    Attributes:
        device: The phone.
        runs: Its finished runs: those asked for last in their order, then others.
        unfinished: What was asked for last and is not there.
        partial_logs: The logs of those of them that had begun, by their keys.
        damaged: What cannot be read, a line each.
        unchecked: Why outputs that are there were not compared, a line each.
    """

    device: DeviceInfo
    runs: tuple[AndroidRun, ...]
    unfinished: tuple[PlannedRun, ...]
    partial_logs: dict[str, Path]
    damaged: tuple[str, ...]
    unchecked: tuple[str, ...]


def load_phone(folder: Path) -> PhoneRuns:
    """Reads the folder that `benchmark_android` made for a phone.

    Outputs are compared with this machine's CPU where the .tflite file is still what was run.

    Raises:
        ToolError: The phone's own record cannot be read.
    """
    phone = read_phone(folder)
    found, damaged = _found(folder)
    places = {run.key: place for place, run in enumerate(phone.planned)}
    found.sort(key=lambda pair: places.get(pair[0].key, len(places)))
    references = _References(phone.tolerance)
    runs = tuple(
        judge(
            run,
            phone.device.serial,
            folder / f"{run.key}.log",
            stored,
            references.of(run) if stored[2] is not None else None,
        )
        for run, stored in found
    )
    finished = {record.stem for record in _records(folder)}
    unfinished = tuple(run for run in phone.planned if run.key not in finished)
    partial_logs = {run.key: folder / f"{run.key}.partial.log" for run in unfinished}
    return PhoneRuns(
        device=phone.device,
        runs=runs,
        unfinished=unfinished,
        partial_logs={key: log for key, log in partial_logs.items() if _exists(log)},
        damaged=tuple(damaged),
        unchecked=tuple(references.problems.values()),
    )


def _found(folder: Path) -> tuple[list[tuple[PlannedRun, Stored]], list[str]]:
    found, damaged = [], []
    for record in _records(folder):
        try:
            found.append(read_run(record))
        except ToolError as error:
            damaged.append(str(error))
    return found, damaged


def _exists(log: Path) -> bool:
    return os.path.exists(log)  # noqa: PTH110  (Path's raises on long names)


def _records(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.json")):
        if path.name != PHONE_FILE and not path.name.startswith("."):
            yield path


class _References:
    """The models of the runs on this machine's CPU, each loaded once."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._known: dict[tuple[Path, str], Reference | None] = {}
        self.problems: dict[tuple[Path, str], str] = {}

    def of(self, run: PlannedRun) -> Reference | None:
        """A run's model; None if the file is not there any more or another one."""
        key = run.file, run.sha256
        if key not in self._known:
            try:
                self._known[key] = self._loaded(run)
            except ToolError as error:
                self._known[key] = None
                self.problems[key] = f"{error} Its outputs were not compared."
        return self._known[key]

    def _loaded(self, run: PlannedRun) -> Reference:
        try:
            content = run.file.read_bytes()
        except OSError as error:
            raise ToolError(f"{run.file}: cannot be read: {error.strerror}.") from error
        if hashlib.sha256(content).hexdigest() != run.sha256:
            raise ToolError(f"{run.file}: is not the file that was run any more.")
        return Reference(run.file, self._tolerance)
