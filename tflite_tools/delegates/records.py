"""What a delegate would do with a graph."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["taken", "refused", "unknown"]
Coverage = Literal["full", "partial", "none", "unknown"]


@dataclass(frozen=True)
class Decision:
    """What a delegate does with one operator.

    Attributes:
        index: The operator's place in the order of execution.
        op: What it is, such as "CONV_2D".
        status: "taken", "refused", or "unknown" where no public rule decides.
        rule: The rule that decided, such as "CONV_2D.max_version"; None if it is taken.
        reason: What is against it, in words; None if it is taken.
        source: Where the rule stands: a file of the delegate's source and its lines.
        fatal: Whether the delegate, having accepted the operator, then fails as a whole.
    """

    index: int
    op: str
    status: Status
    rule: str | None
    reason: str | None
    source: str
    fatal: bool = False


@dataclass(frozen=True)
class Partition:
    """Operators that a delegate runs as one, without a return to the CPU in between.

    Attributes:
        operators: Their places in the order of execution.
        inputs: The tensors that it reads and does not make, constants among them.
        outputs: The tensors that it makes and others read.
    """

    operators: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class DelegateReport:
    """What a delegate would do with a graph.

    Attributes:
        delegate: Its name, such as "xnnpack" or "nnapi-29".
        title: Its name for people.
        coverage: "full", "partial", "none", or "unknown" if that hangs on operators of which no
            public rule is known.
        verdict: The same in a sentence.
        operators: How many operators run on the delegate.
        mac_share: The share of the multiply-accumulate operations that runs on it; None if the
            graph has none, or runs other subgraphs. Operators of which nothing is known do not
            count.
        partitions: What it runs as one each.
        dropped_partitions: How many more partitions there would be, were their number not limited.
        decisions: One for each operator.
        source: The repository and the commit that the rules were read in.
        notes: What else to know of the delegate, a sentence each.
        not_judged: The operators that run other subgraphs, such as "WHILE": what these hold is
            neither judged nor counted.
    """

    delegate: str
    title: str
    coverage: Coverage
    verdict: str
    operators: int
    mac_share: float | None
    partitions: tuple[Partition, ...]
    dropped_partitions: int
    decisions: tuple[Decision, ...]
    source: str
    notes: tuple[str, ...]
    not_judged: tuple[str, ...] = ()
