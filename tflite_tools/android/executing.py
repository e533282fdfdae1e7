"""Runs a plan on one phone: push, cool down, run, pull, clean up."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tflite_tools.android.connection import FOLDER, Connection, DeviceLostError
from tflite_tools.android.cores import check_big_cores
from tflite_tools.android.identify import read_state
from tflite_tools.android.planning import Model, model_target, program_target, sample_target
from tflite_tools.android.programs import Program
from tflite_tools.android.records import DeviceInfo, DeviceState, PlannedRun
from tflite_tools.android.records_on_disk import FinishedRun, RunFolder

# How many degrees above where it began a phone may be when the next run starts, and how many more
# pauses it gets to come down to that.
_WARMER = 3.0
_MORE_PAUSES = 6


@dataclass(frozen=True)
class Cargo:
    """What is pushed.

    Attributes:
        models: The .tflite files, each with an input.
        programs: The benchmark binaries.
        libraries: Names and contents of the vendor's libraries.
    """

    models: Sequence[Model]
    programs: Sequence[Program]
    libraries: Sequence[tuple[str, bytes]]


def run_missing(
    connection: Connection,
    device: DeviceInfo,
    plan: Sequence[PlannedRun],
    cargo: Cargo,
    folder: RunFolder,
    *,
    cool_down: float,
    timeout: float,
    progress: Callable[[int], None],
) -> None:
    """Runs what is not in the folder yet, and leaves nothing on the phone.

    Raises:
        DeviceLostError: The phone went away; what was finished before is in the folder.
        StoppedError: `connection.stopped` was set.
        ToolError: Something is missing, and cores that it would run on are off.
    """
    missing = [run for run in plan if folder.is_missing(run, timeout)]
    progress(len(plan) - len(missing))
    if not missing:
        return
    check_big_cores(device)
    connection.make_folder()
    try:
        _push(connection, cargo)
        begun = state = read_state(connection)
        for position, run in enumerate(missing):
            if position or state.throttling:
                state = _cooled_down(connection, begun, cool_down)
            _run(connection, run, folder, state, timeout)
            progress(len(plan) - len(missing) + position + 1)
    finally:
        # What a lost phone keeps goes when the next benchmark begins.
        with contextlib.suppress(DeviceLostError):
            connection.remove_folder()


def _push(connection: Connection, cargo: Cargo) -> None:
    for program in cargo.programs:
        connection.push(program.content, program_target(program), executable=True)
    for model in cargo.models:
        connection.push(model.content, model_target(model))
        connection.push(model.sample, sample_target(model))
    for name, content in cargo.libraries:
        connection.push(content, f"{FOLDER}/{name}")


def _run(
    connection: Connection, run: PlannedRun, folder: RunFolder, before: DeviceState, timeout: float
) -> None:
    if run.output:
        connection.run(["rm", "-f", run.output])
    code = connection.run_logged(run.argv, folder.partial_log(run), timeout)
    after = read_state(connection)
    output = connection.pull(run.output) if run.output else None
    folder.save(run, FinishedRun(code, before, after, timeout), output)


def _cooled_down(connection: Connection, begun: DeviceState, pause: float) -> DeviceState:
    """Waits for a pause; for more while the phone is throttling or warmer than in the beginning."""
    for _ in range(1 + _MORE_PAUSES):
        connection.stopped.wait(pause)
        state = read_state(connection)
        now, then = state.hottest, begun.hottest
        warmer = now is not None and then is not None and now > then + _WARMER
        if not (warmer or state.throttling):
            break
    return state
