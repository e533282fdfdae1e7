"""Finished runs in the output folder: each one is there as soon as it is finished."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tflite_tools.android.planning import safe_name
from tflite_tools.android.records import DeviceState, PlannedRun
from tflite_tools.errors import ToolError
from tflite_tools.output_folder import whole_file


@dataclass(frozen=True)
class FinishedRun:
    """What is kept of a run beside its log and its output.

    Attributes:
        exit_code: The binary's; None if it was stopped because the time was over.
        before: The phone's state before the run.
        after: The phone's state after it; None if it could not be read.
    """

    exit_code: int | None
    before: DeviceState | None
    after: DeviceState | None


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

    def log(self, run: PlannedRun) -> Path:
        """Where a finished run's log is."""
        return self._folder / f"{run.key}.log"

    def partial_log(self, run: PlannedRun) -> Path:
        """Where the log is while the run goes on, and stays if the phone is lost."""
        return self._folder / f"{run.key}.partial.log"

    def save(self, run: PlannedRun, finished: FinishedRun, output: bytes | None) -> None:
        """Keeps a finished run: it counts as one from the moment its last file is there."""
        self.partial_log(run).replace(self.log(run))
        if output is not None:
            self._output(run).write_bytes(output)
        else:
            self._output(run).unlink(missing_ok=True)
        content = {"key": run.key, "argv": run.argv, **asdict(finished)}
        with whole_file(self._record(run)) as temporary:
            temporary.write_text(json.dumps(content, indent=2))

    def load(self, run: PlannedRun) -> tuple[FinishedRun, str, bytes | None] | None:
        """A finished run, its log and its output; None if it has not been run."""
        path = self._record(run)
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_bytes())
            before, after = (_state(content[name]) for name in ("before", "after"))
            finished = FinishedRun(content["exit_code"], before, after)
            log = self.log(run).read_text(errors="replace")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ToolError(
                f"{path}: not the record of a run, or its log is missing "
                f"({type(error).__name__}: {error}). Remove it, and the run is repeated."
            ) from error
        output = self._output(run)
        return finished, log, output.read_bytes() if output.exists() else None

    def _record(self, run: PlannedRun) -> Path:
        return self._folder / f"{run.key}.json"

    def _output(self, run: PlannedRun) -> Path:
        return self._folder / f"{run.key}.output"


def _state(content: dict[str, Any] | None) -> DeviceState | None:
    if content is None:
        return None
    frequencies = {int(core): value for core, value in content["frequencies"].items()}
    return DeviceState(dict(content["temperatures"]), frequencies)
