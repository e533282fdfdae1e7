"""What the vendor's compiler prints → what it took, what it refused, and why it failed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PARTITIONED = re.compile(
    r"Partitioned subgraph<\d+>, selected (\d+) ops, from a total of (\d+) ops\. "
    r"resulted in (\d+) partitions"
)
_REFUSED = re.compile(r"LiteRT Op #(\d+) '[^']*' \(code=\d+\) is not supported")
_BLOCK = re.compile(r"^(?:ERROR|WARNING|INFO): ", re.MULTILINE)
_VALIDATION = "QNN op validation failed: "
_OPERAND = re.compile(r"dtype=QNN_DATATYPE_(\w+) dims=(\[[\d,]*\])")
_OPERATION = re.compile(r"\(type=(\w+)(?:, operation=(\w+))?")
_NOT_MADE = re.compile(r'"[^"\n]*?_LiteRt_OpId_(\d+)" generated: ([^\n]*)')
_NO_PLUGIN = re.compile(r"Could not load shared library [^\n]*?: ([^\n]*)")
_VERSION = re.compile(r"WARNING: \[qnn_manager\.cc:\d+\] (Qnn .*? version .*)")


@dataclass(frozen=True)
class CompilerLog:
    """What was found in a log.

    Attributes:
        operators: How many operators there are; None if it did not come so far.
        offloaded: How many of them it selected.
        partitions: In how many pieces.
        refused: Why it refused operators, by their place in the order of execution.
        not_made: The place of the operator that it selected and could not compile, and what it
            said of it; None if it was none.
        unloaded: Why its plugin could not be loaded; None if it could.
        versions: What it said of the versions of its libraries.
    """

    operators: int | None
    offloaded: int
    partitions: int
    refused: dict[int, str]
    not_made: tuple[int, str] | None
    unloaded: str | None
    versions: tuple[str, ...]


def read_log(messages: str, details: str) -> CompilerLog:
    """Reads a log.

    Args:
        messages: What LiteRT printed, on standard error.
        details: What the vendor's libraries printed, on standard output.
    """
    stats = [tuple(map(int, found)) for found in _PARTITIONED.findall(messages)]
    not_made = _NOT_MADE.search(details)
    unloaded = _NO_PLUGIN.search(messages)
    return CompilerLog(
        operators=sum(total for _, total, _ in stats) if stats else None,
        offloaded=sum(selected for selected, _, _ in stats),
        partitions=sum(count for _, _, count in stats),
        refused=dict(_refusals(messages)),
        not_made=None if not_made is None else (int(not_made[1]), not_made[2].strip()),
        unloaded=None if unloaded is None else unloaded[1].rstrip(". "),
        versions=tuple(dict.fromkeys(_VERSION.findall(messages))),
    )


def _refusals(messages: str) -> Iterator[tuple[int, str]]:
    """An operator is refused in one block of lines; the validator's stands before it, if any."""
    reason = None
    for block in _BLOCK.split(messages):
        if _VALIDATION in block:
            reason = _validation(block)
        elif (found := _REFUSED.search(block)) is not None:
            yield int(found[1]), reason or "LiteRT's plugin does not translate it"
            reason = None


def _validation(block: str) -> str:
    operation = _OPERATION.search(block)
    name = "the operation" if operation is None else operation[2] or operation[1]
    head, _, tail = block.partition("Outputs:")
    operands = (", ".join(f"{t} {d}" for t, d in _OPERAND.findall(part)) for part in (head, tail))
    return f"the vendor's library refuses {name} of {' → '.join(operands)}"
