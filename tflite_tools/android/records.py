"""What a benchmark on phones returns: plain data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tflite_tools.benchmark_log import BenchmarkRecord


@dataclass(frozen=True)
class DeviceInfo:
    """What a phone says of itself.

    Attributes:
        serial: What adb calls it.
        model: Its manufacturer and model.
        soc: Its system on a chip, by the name of its maker, and where unknown, by the property
            that is closest to it; None if it has none of these properties.
        android: The version of Android; None if it does not tell.
        api_level: Android's API level; None if it does not tell.
        abi: The instruction set of its programs, such as "arm64-v8a".
        max_frequencies: The highest frequency of each core that is or was on, in kHz, by its
            number.
        abis: All instruction sets that it runs, the preferred one first; empty if it does not
            tell.
        cores_off: The numbers of the cores that it has and that were off.
    """

    serial: str
    model: str
    soc: str | None
    android: str | None
    api_level: int | None
    abi: str | None
    max_frequencies: dict[int, int]
    abis: tuple[str, ...] = ()
    cores_off: tuple[int, ...] = ()

    @property
    def big_cores(self) -> str | None:
        """The mask, as `taskset` takes it, of the cores that are not the slowest."""
        return f"{sum(1 << core for core in self._big):x}" if self._big else None

    @property
    def big_cores_off(self) -> tuple[int, ...]:
        """Those of the cores to run on that were off."""
        return tuple(core for core in self.cores_off if core in self._big)

    @property
    def unknown_cores(self) -> tuple[int, ...]:
        """The cores that were off and have never told how fast they are."""
        return tuple(core for core in self.cores_off if core not in self.max_frequencies)

    @property
    def _big(self) -> list[int]:
        slowest = min(self.max_frequencies.values(), default=0)
        big = [core for core, highest in self.max_frequencies.items() if highest > slowest]
        return big or list(self.max_frequencies)


@dataclass(frozen=True)
class DeviceState:
    """How warm and how fast a phone is at a moment, and whether its screen is on.

    Attributes:
        temperatures: Of each thermal zone that can be read, in °C.
        frequencies: The frequency of each core at the moment, in kHz, by its number.
        thermal_status: Android's own judgement, from 0 (no throttling) to 6 (shutdown); None if
            it does not tell, as before Android 10.
        screen_on: Whether it is awake; with the screen off, phones slow programs down. None if it
            does not tell.
    """

    temperatures: dict[str, float]
    frequencies: dict[int, int]
    thermal_status: int | None = None
    screen_on: bool | None = None

    @property
    def hottest(self) -> float | None:
        """The temperature of the hottest CPU zone, or of any zone if none is called so."""
        cpu = [value for name, value in self.temperatures.items() if "cpu" in name.lower()]
        return max(cpu or self.temperatures.values(), default=None)

    @property
    def throttling(self) -> bool:
        """Whether Android says that it slows the phone down because of its temperature."""
        return bool(self.thermal_status)


@dataclass(frozen=True)
class PlannedRun:
    """One start of the binary on a phone.

    Attributes:
        key: Names the run in the output folder; another for whatever could change its result.
        file: The .tflite file on this machine.
        sha256: The hash of its content.
        binary: "classic" or "litert".
        delegate: As it was asked for, such as "nnapi:qti-dsp".
        num_threads: How many threads the CPU's operators may use.
        repeat: Which repetition it is, from 1.
        argv: The program and its arguments; paths are the phone's.
        output: The path on the phone that the outputs are written to; None if the tool cannot.
        program: The file name of the binary and the beginning of its content's hash; empty in
            records of versions before it was kept.
    """

    key: str
    file: Path
    sha256: str
    binary: str
    delegate: str
    num_threads: int
    repeat: int
    argv: tuple[str, ...]
    output: str | None
    program: str = ""


@dataclass(frozen=True)
class OutputCheck:
    """The phone's output compared with that of this machine's CPU on the same input.

    Attributes:
        max_abs_error: The largest difference.
        relative_error: The same, relative to the largest output.
        same_top1: Whether the largest output is the same one.
        passed: Whether `relative_error` is within the tolerance.
    """

    max_abs_error: float
    relative_error: float
    same_top1: bool
    passed: bool


ProblemKind = Literal["failed", "wrong output", "fell back", "unclear", "slowed down"]


@dataclass(frozen=True)
class AndroidRun:
    """One run on a phone, finished: measured, failed or timed out.

    Attributes:
        serial: The phone.
        file: The .tflite file.
        sha256: The hash of its content.
        binary: "classic" or "litert".
        delegate: As it was asked for.
        ran_on: Whose figures these are: the delegate's name, "cpu", also where the delegate fell
            back to it, or None where the log does not tell.
        num_threads: How many threads the CPU's operators may use.
        repeat: Which repetition it is, from 1.
        argv: What was run.
        log: Where the binary's output is kept.
        exit_code: The binary's; None if it was stopped.
        problem: What went wrong, in a line; None if nothing did.
        problem_kind: What kind of problem that is: "failed", "wrong output", "fell back",
            "unclear" where the log does not say who ran the model, or "slowed down".
        before: The phone's state before the run; None if it could not be read.
        after: The phone's state after it; None if it could not be read.
        record: What the log says.
        output: The outputs, compared; None if the tool cannot write them or did not.
        program: The file name of the binary and the beginning of its content's hash; empty in
            records of versions before it was kept.
    """

    serial: str
    file: Path
    sha256: str
    binary: str
    delegate: str
    ran_on: str | None
    num_threads: int
    repeat: int
    argv: tuple[str, ...]
    log: Path
    exit_code: int | None
    problem: str | None
    problem_kind: ProblemKind | None
    before: DeviceState | None
    after: DeviceState | None
    record: BenchmarkRecord
    output: OutputCheck | None
    program: str = ""

    @property
    def wrong_output(self) -> bool:
        """Whether its outputs differ, are no outputs, or are missing where there should be some."""
        return self.problem_kind == "wrong output"
