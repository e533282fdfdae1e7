"""What a benchmark's log says."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "failed", "incomplete"]
Binary = Literal["classic", "litert"]
Delegation = Literal["full", "partial", "none"]


@dataclass(frozen=True)
class OpTime:
    """How long one operator, or one kernel of a delegate, took.

    Attributes:
        op: Its type, such as "CONV_2D" or "TfLiteGpuDelegateV2".
        name: The names of its outputs, as the log has them.
        mean_ms: The mean over the regular runs, in milliseconds.
        share: Its share of the total, from 0 to 1.
        calls: How often it was called in a run, as the log counts.
    """

    op: str
    name: str
    mean_ms: float
    share: float
    calls: int


@dataclass(frozen=True)
class UnsupportedOp:
    """An operator that the delegate refused.

    Attributes:
        op: Its type, such as "ARG_MAX".
        reason: What the delegate says against it.
    """

    op: str
    reason: str


@dataclass(frozen=True)
class BenchmarkRecord:
    """One run of `benchmark_model`, as its log tells it.

    Whatever the log does not tell, or not to the end, is None.

    Attributes:
        status: "ok" if the log holds the result; "failed" if it says that the run failed;
            "incomplete" if it ends before either.
        binary: Which of the two tools of the name `benchmark_model` wrote it: "classic", also
            where the log does not tell, or "litert".
        delegate: The delegate that was asked for, else the one that was applied: "gpu", "nnapi",
            "hexagon", "qnn", "npu", "xnnpack", "external" or, in lower case, what the log calls
            another one.
        delegation: Whether `delegate` ran all ("full") or some ("partial") of the operators, or
            none of them, so that the figures are the CPU's. NNAPI's reference implementation is
            the CPU. None: the figures must not be called the delegate's.
        init_ms: From the start until the model was ready, in milliseconds.
        first_ms: The first inference.
        warmup_ms: The mean of the warm-up runs.
        mean_ms: The mean of the regular runs, as the following are of those runs.
        median_ms: Their median; newer builds only.
        p95_ms: The time that 95 % of them kept to; newer builds only.
        std_ms: Their standard deviation.
        min_ms: The shortest.
        max_ms: The longest.
        runs: How many they were.
        memory_mb: The growth of the memory footprint over all, in MB.
        peak_memory_mb: Its peak, where it was monitored.
        accelerators: The names of NNAPI's accelerators on the device.
        nodes: How many operators there were when `delegate` was applied.
        delegated_nodes: How many of them it took.
        partitions: In how many pieces.
        unsupported_ops: What the delegate refused, each pair of operator and reason once.
        op_profile: The operators in the order of execution, of the regular runs.
        unknown_flags: The flags that the binary did not know, and did not obey.
        error: The first complaint that explains a failure or a fallback.
    """

    status: Status
    binary: Binary
    delegate: str | None
    delegation: Delegation | None
    init_ms: float | None
    first_ms: float | None
    warmup_ms: float | None
    mean_ms: float | None
    median_ms: float | None
    p95_ms: float | None
    std_ms: float | None
    min_ms: float | None
    max_ms: float | None
    runs: int | None
    memory_mb: float | None
    peak_memory_mb: float | None
    accelerators: tuple[str, ...]
    nodes: int | None
    delegated_nodes: int | None
    partitions: int | None
    unsupported_ops: tuple[UnsupportedOp, ...]
    op_profile: tuple[OpTime, ...]
    unknown_flags: tuple[str, ...]
    error: str | None
