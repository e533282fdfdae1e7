"""Finished runs in the output folder: each one is there as soon as it is finished."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tflite_tools.android.planning import safe_name
from tflite_tools.android.records import DeviceInfo, DeviceState, PlannedRun
from tflite_tools.errors import ToolError
from tflite_tools.json_records import record_from
from tflite_tools.output_folder import whole_file

PHONE_FILE = "phone.json"


@dataclass(frozen=True)
class FinishedRun:
    """What is kept of a run beside its log and its output.

    Attributes:
        exit_code: The binary's; None if it was stopped because the time was over.
        before: The phone's state before the run.
        after: The phone's state after it; None if it could not be read.
        timeout: How many seconds it had; None in records of versions before it was kept.
    """

    exit_code: int | None
    before: DeviceState | None
    after: DeviceState | None
    timeout: float | None = None


@dataclass(frozen=True)
class StoredPhone:
    """What is kept of a phone.

    Attributes:
        device: The phone.
        tolerance: The largest relative error of its outputs that passes.
        planned: The runs that were asked for last, finished or not.
    """

    device: DeviceInfo
    tolerance: float
    planned: tuple[PlannedRun, ...]


# A finished run, its log and its output.
Stored = tuple[FinishedRun, str, bytes | None]


class RunFolder:
    """The runs of one phone, in a folder of its own.

    Args:
        folder: The output folder.
        serial: The phone, which may be called anything.
    """

    def __init__(self, folder: Path, serial: str) -> None:
        # Two serials may differ only in what a file name cannot hold.
        digest = hashlib.sha256(serial.encode(errors="surrogateescape")).hexdigest()[:8]
        self._folder = folder / f"{safe_name(serial)}-{digest}"
        self._folder.mkdir(exist_ok=True)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder

    def log(self, run: PlannedRun) -> Path:
        """Where a finished run's log is."""
        return self._folder / f"{run.key}.log"

    def partial_log(self, run: PlannedRun) -> Path:
        """Where the log is while the run goes on, and stays if the phone is lost."""
        return self._folder / f"{run.key}.partial.log"

    def save_phone(self, phone: StoredPhone) -> None:
        """Keeps what the phone is and what is asked of it."""
        planned = [_described(run) for run in phone.planned]
        _write(self._folder / PHONE_FILE, {**asdict(phone), "planned": planned})

    def save(self, run: PlannedRun, finished: FinishedRun, output: bytes | None) -> None:
        """Keeps a finished run: it counts as one from the moment its last file is there."""
        self.partial_log(run).replace(self.log(run))
        if output is not None:
            self._output(run).write_bytes(output)
        else:
            self._output(run).unlink(missing_ok=True)
        _write(self._record(run), {**_described(run), **asdict(finished)})

    def load(self, run: PlannedRun) -> Stored | None:
        """A finished run, its log and its output; None if it has not been run."""
        path = self._record(run)
        return read_run(path)[1] if path.exists() else None

    def load_all(
        self, plan: Iterable[PlannedRun]
    ) -> tuple[list[tuple[PlannedRun, Stored]], list[str]]:
        """The finished runs, and a line for each that cannot be read."""
        stored, damaged = [], []
        for run in plan:
            try:
                found = self.load(run)
            except ToolError as error:
                damaged.append(str(error))
            else:
                stored += [(run, found)] if found else []
        return stored, damaged

    def is_missing(self, run: PlannedRun, timeout: float) -> bool:
        """Whether a run is to be done: not yet done, or stopped though it may now take longer.

        A record that cannot be read is left to whoever looks at it.
        """
        try:
            stored = self.load(run)
        except ToolError:
            return False
        return stored is None or (
            stored[0].exit_code is None and timeout > (stored[0].timeout or 0.0)
        )

    def known_phone(self) -> StoredPhone | None:
        """What was kept of the phone before; None without a record that can be read."""
        try:
            return read_phone(self._folder)
        except ToolError:
            return None

    def _record(self, run: PlannedRun) -> Path:
        return self._folder / f"{run.key}.json"

    def _output(self, run: PlannedRun) -> Path:
        return self._folder / f"{run.key}.output"


def read_phone(folder: Path) -> StoredPhone:
    """What `save_phone` has kept in a phone's folder."""
    path = folder / PHONE_FILE
    try:
        return record_from(StoredPhone, json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise ToolError(
            f"{path}: not the record of a phone ({error}). Repeat the benchmark: it runs only what "
            "is missing."
        ) from error


def read_run(record: Path) -> tuple[PlannedRun, Stored]:
    """A finished run by the path of its record."""
    log, output = record.with_suffix(".log"), record.with_suffix(".output")
    try:
        content = json.loads(record.read_bytes())
        finished = record_from(FinishedRun, content)
        run = record_from(PlannedRun, content)
        text = log.read_text(errors="replace")
        stored = finished, text, output.read_bytes() if output.exists() else None
    except (OSError, ValueError, RecursionError) as error:
        raise ToolError(
            f"{record}: not the record of a run, or its log is missing "
            f"({type(error).__name__}: {error}). Remove it, and the run is repeated."
        ) from error
    return run, stored


def _described(run: PlannedRun) -> dict[str, Any]:
    """With the whole path, as a report may be made from another folder."""
    return {**asdict(run), "file": str(run.file.absolute())}


def _write(path: Path, content: dict[str, Any]) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2))
