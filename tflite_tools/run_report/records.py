"""What a report on runs is made of: plain data, joined by file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Agreement = Literal["agrees", "differs", "undecided", "not predicted", "not logged"]
ProblemKind = Literal["failed", "unfinished", "wrong output", "fell back", "unclear", "slowed down"]


@dataclass(frozen=True)
class Accuracy:
    """What an evaluation says of a file.

    Attributes:
        ran_on: "cpu", or the accelerator and its name.
        source: The samples.
        samples: How many they were.
        top1: The share of them whose label the file found; None without labels.
        top5: The share whose label is among the first five choices; None without labels.
        agreement: The share on which the file chooses the Keras model's class; None without one.
        kept_in: The evaluation's file.
    """

    ran_on: str
    source: str
    samples: int
    top1: float | None
    top5: float | None
    agreement: float | None
    kept_in: Path


@dataclass(frozen=True)
class FileEntry:
    """A .tflite file that runs or evaluations name.

    Attributes:
        name: What the report calls it; no other file is called so.
        path: Where it was.
        sha256: The hash of its content; None if no record has it.
        size_bytes: Its size; None if that content is not there any more.
        precision: "float32", "float16" or "int8"; None if that content is not there any more.
        macs: The multiply-accumulate operations of a run; None likewise.
        not_counted: The operators that run other subgraphs, such as "WHILE", whose operations are
            not in `macs`.
        accuracies: Of the evaluations on the processor, and of those on each accelerator, that of
            the most samples.
        missing: Why the file was not inspected; None if it was.
    """

    name: str
    path: Path
    sha256: str | None
    size_bytes: int | None
    precision: str | None
    macs: int | None
    accuracies: tuple[Accuracy, ...]
    missing: str | None
    not_counted: tuple[str, ...] = ()

    @property
    def accuracy(self) -> Accuracy | None:
        """The one on the processor; None without any."""
        return next((one for one in self.accuracies if one.ran_on == "cpu"), None)


@dataclass(frozen=True)
class Place:
    """A phone or a computer that files ran on.

    Attributes:
        name: What the report calls it; no other place is called so.
        details: Its chip and its system.
        target: Whose rules the delegates' coverage follows; None if it is no phone.
    """

    name: str
    details: str
    target: str | None


@dataclass(frozen=True)
class Measurement:
    """The repetitions of one combination whose figures are of the same kind.

    Attributes:
        file: The file's name in the report.
        place: The name of the phone or computer.
        delegate: As it was asked for.
        ran_on: Whose figures these are: the delegate, "cpu", also where the delegate fell back
            to it, or None where that is not known.
        fell_back: Whether the delegate left everything to the CPU.
        binary: The tool that measured: "classic", "litert" or "host".
        program: What it is called where the place had several such tools; None otherwise.
        threads: How many threads the CPU's operators had.
        op_profile: Whether operators were timed one by one, which makes runs slower.
        measured: How many of the repetitions gave these figures.
        repeats: How many there are, with those that failed.
        runs: How many runs were timed in all.
        latency_ms: The median, in milliseconds; None without any.
        low_ms: The lower end of the spread: a phone's fastest repetition, the host's fastest run.
        high_ms: The upper end: a phone's slowest repetition, the host's 95th percentile.
        p95_ms: The 95th percentile of the runs.
        runs_per_second: What `latency_ms` makes.
        init_ms: From the start until the model was ready.
        memory_mb: A phone's largest growth of the memory footprint, the host's peak.
        delegated_share: The share of the operators that the delegate took, as the log counts.
        relative_error: The largest error of the outputs, relative to the largest output; None
            where they were not compared.
        wrong_output: Whether that is more than was tolerated, so that the figures are worthless.
        hottest: The highest temperature before one of the runs, in °C.
        top1: The file's, on the processor; None without an evaluation.
        agreement: The file's with the Keras model; None without an evaluation.
        size_bytes: The file's.
    """

    file: str
    place: str
    delegate: str
    ran_on: str | None
    fell_back: bool
    binary: str
    program: str | None
    threads: int
    op_profile: bool
    measured: int
    repeats: int
    runs: int | None
    latency_ms: float | None
    low_ms: float | None
    high_ms: float | None
    p95_ms: float | None
    runs_per_second: float | None
    init_ms: float | None
    memory_mb: float | None
    delegated_share: float | None
    relative_error: float | None
    wrong_output: bool
    hottest: float | None
    top1: float | None
    agreement: float | None
    size_bytes: int | None


@dataclass(frozen=True)
class Coverage:
    """What a delegate takes of a file, by the rules of its source.

    Attributes:
        file: The file's name in the report.
        target: The phone whose delegates these are.
        delegate: The delegate by its rules, such as "nnapi-29".
        coverage: "full", "partial", "none" or "unknown".
        taken: How many operators it takes.
        operators: How many there are.
        mac_share: The share of the multiply-accumulate operations; None if there are none.
        partitions: In how many pieces it takes them.
        verdict: The same in a sentence.
        reasons: Why operators are not taken, each once.
    """

    file: str
    target: str
    delegate: str
    coverage: str
    taken: int
    operators: int
    mac_share: float | None
    partitions: int
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What the rules say a delegate takes, beside what a device's own log says.

    Attributes:
        file: The file's name in the report.
        place: The phone or computer.
        delegate: As it was asked for.
        binary: The tool that measured: "classic", "litert" or "host".
        program: What it is called where the place had several such tools; None otherwise.
        rule: The rules it is compared with, such as "nnapi-29"; None if there are none for it.
        predicted: Their result; None if there is none.
        delegation: "full", "partial" or "none" by the log; None if it does not tell.
        nodes: How many operators there were, by the log.
        taken: How many of them the delegate took, by the log.
        agreement: "agrees" or "differs"; "undecided" if the rules do not know, "not predicted"
            or "not logged" if one side is missing.
        remark: What is to be said of it, such as the log's complaint; "" if nothing.
    """

    file: str
    place: str
    delegate: str
    binary: str
    program: str | None
    rule: str | None
    predicted: Coverage | None
    delegation: str | None
    nodes: int | None
    taken: int | None
    agreement: Agreement
    remark: str


@dataclass(frozen=True)
class Problem:
    """A run without the figures that were wanted of it.

    Attributes:
        file: The file's name in the report.
        place: The phone or computer.
        delegate: As it was asked for.
        repeat: Which repetition it is; None if it is not one of several.
        kind: "failed", "unfinished", "wrong output", "fell back", "unclear" where the log does
            not say who ran the model, or "slowed down" where the phone was too warm.
        reason: What went wrong.
        log: Where the log is; None without one.
    """

    file: str
    place: str
    delegate: str
    repeat: int | None
    kind: ProblemKind
    reason: str
    log: Path | None

    @property
    def failed(self) -> bool:
        """Whether a result is missing or wrong; a fallback is a result of its own."""
        return self.kind in ("failed", "unfinished", "wrong output")
