"""What a benchmark on this machine returns: plain data."""

from dataclasses import dataclass
from pathlib import Path

from tflite_tools.benchmark_log import OpTime


@dataclass(frozen=True)
class OpsNotTaken:
    """Operators of one kind that XNNPACK did not take, so that slower kernels ran them.

    Attributes:
        op: What they are, such as "GELU".
        count: How many of them.
        reason: What is against them, in words.
        runs_subgraphs: Whether they run other subgraphs, as WHILE does, of whose operators
            nothing is said: XNNPACK may have taken some.
    """

    op: str
    count: int
    reason: str
    runs_subgraphs: bool = False


@dataclass(frozen=True)
class HostRecord:
    """How a .tflite file did on this machine with one number of threads.

    Attributes:
        file: The .tflite file.
        sha256: The hash of its content.
        num_threads: How many threads the interpreter was given.
        runs: How many runs were timed.
        mean_ms: Their mean, in milliseconds.
        median_ms: Their median.
        p95_ms: The time that 95 % of the runs kept to.
        std_ms: Their standard deviation.
        min_ms: The shortest.
        ratio: The median of a round divided by that of the first file with as many threads in the
            same round: the median over the rounds.
        ratio_spread: The quartiles of that ratio over the rounds.
        cpu_ms: What the processor worked for a run, all threads together: the median of the
            rounds. Unlike the other times it hardly changes when other programs run as well.
        cpu_ratio: `cpu_ms` divided by that of the first file with as many threads; None where the
            system's clock is too coarse for it.
        throughput: Inferences per second, one after the other: 1000 / `mean_ms`.
        init_ms: How long a fresh process took to read the file and prepare the interpreter, in
            milliseconds.
        peak_memory_mb: How much resident memory that process took at most for the file and its
            runs, in MB of 10⁶ bytes, Python and LiteRT themselves left out; None where the system
            does not tell.
        size_bytes: The size of the file.
        ops_total: How many operators its main graph has.
        ops_not_taken: Which of them XNNPACK did not take, and why.
        measured_shape: The shape of the input that was timed, if the file takes any size; an axis
            of any length was 1.
        op_profile: How long each operator took, in the order of execution; empty if not asked for.
    """

    file: Path
    sha256: str
    num_threads: int
    runs: int
    mean_ms: float
    median_ms: float
    p95_ms: float
    std_ms: float
    min_ms: float
    ratio: float
    ratio_spread: tuple[float, float]
    cpu_ms: float
    cpu_ratio: float | None
    throughput: float
    init_ms: float
    peak_memory_mb: float | None
    size_bytes: int
    ops_total: int
    ops_not_taken: tuple[OpsNotTaken, ...]
    op_profile: tuple[OpTime, ...] = ()
    measured_shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on.

    Attributes:
        cpu: The name of the processor.
        cores: How many cores this process may use.
        system: The operating system and its version.
        litert: The version of LiteRT.
        load: How many programs wanted to run in the minute before; None where the system does not
            tell.
    """

    cpu: str
    cores: int
    system: str
    litert: str
    load: float | None
