"""Puts together what a delegate would do with a graph."""

from collections import Counter
from collections.abc import Sequence

from tflite_tools.delegates.deciding import decide
from tflite_tools.delegates.dynamic import SOURCE as DYNAMIC_SOURCE
from tflite_tools.delegates.dynamic import makes_dynamic_tensor
from tflite_tools.delegates.partitions import find_partitions
from tflite_tools.delegates.records import Coverage, Decision, DelegateReport, Partition
from tflite_tools.delegates.rules import Rules, load_rules
from tflite_tools.model_graph import ModelGraph


def delegate_report(graph: ModelGraph, delegate: str) -> DelegateReport:
    """What a delegate would do with a graph.

    Args:
        graph: The graph.
        delegate: "xnnpack", "gpu-opencl", "gpu-opengl", "nnapi-27" to "nnapi-31", "hexagon" or
            "qnn-htp".

    Raises:
        ToolError: There is no such delegate.
    """
    rules = load_rules(delegate)
    decisions = decide(graph, rules)
    accepted = {d.index for d in decisions if d.status == "taken" or d.fatal}
    partitions = find_partitions(graph, accepted)
    kept = _largest(partitions, rules)
    failure = _failure(graph, rules, decisions, kept)
    if failure:
        kept = []
    running = {index for partition in kept for index in partition.operators}
    dropped = 0 if failure else len(partitions) - len(kept)
    share = _mac_share(graph, running)
    coverage = _coverage(graph, decisions, running, bool(failure))
    return DelegateReport(
        delegate=delegate,
        title=rules.title,
        coverage=coverage,
        verdict=(failure or _verdict(coverage, decisions, kept, share, dropped))
        + _bodies(graph.callers),
        operators=len(running),
        mac_share=share,
        partitions=tuple(kept),
        dropped_partitions=dropped,
        decisions=decisions,
        source=rules.source,
        notes=rules.notes,
        not_judged=graph.callers,
    )


def _largest(partitions: list[Partition], rules: Rules) -> list[Partition]:
    """The partitions that the delegate takes, in the order in which they run."""
    large = [p for p in partitions if len(p.operators) >= rules.min_operators]
    by_size = sorted(large, key=lambda partition: -len(partition.operators))
    kept = by_size[: rules.max_partitions or None]
    return [partition for partition in partitions if partition in kept]


def _mac_share(graph: ModelGraph, running: set[int]) -> float | None:
    if graph.macs == 0 or graph.callers:
        return None
    return sum(graph.operators[index].macs for index in running) / graph.macs


def _coverage(
    graph: ModelGraph, decisions: Sequence[Decision], running: set[int], failed: bool
) -> Coverage:
    if failed:
        return "none"
    if len(running) == len(graph.operators):
        return "full"
    if any(decision.status == "unknown" for decision in decisions):
        return "unknown"
    if graph.callers and not running:
        return "unknown"
    return "partial" if running else "none"


def _failure(
    graph: ModelGraph, rules: Rules, decisions: Sequence[Decision], kept: list[Partition]
) -> str:
    """Why the delegate fails as a whole; empty if it does not."""
    if not kept:
        return ""
    what = "fails when it is set up, and everything runs on the CPU:"
    if rules.static_shapes and (operator := makes_dynamic_tensor(graph)) is not None:
        return (
            f"{what} the size of what {operator.name} (operator {operator.index}) makes is known "
            f"only when the model runs [{DYNAMIC_SOURCE}]; fix the batch size"
        )
    fatal = [d for d in decisions if d.fatal and any(d.index in p.operators for p in kept)]
    if fatal:
        return f"{what} {fatal[0].op} (operator {fatal[0].index}) {fatal[0].reason}"
    return ""


def _verdict(
    coverage: Coverage,
    decisions: Sequence[Decision],
    kept: list[Partition],
    share: float | None,
    dropped: int,
) -> str:
    count, total = sum(len(partition.operators) for partition in kept), len(decisions)
    macs = "" if share is None else f", {share:.1%} of the MACs"
    parts = f"{len(kept)} partition{'' if len(kept) == 1 else 's'}"
    texts = {
        "full": f"takes all {total} operators in {parts}{macs}",
        "partial": f"takes {count} of {total} operators in {parts}{macs}",
        "none": f"takes none of the {total} operators",
        "unknown": f"takes at least {count} of {total} operators{macs}",
    }
    text = texts[coverage]
    for status, words in (("refused", "not"), ("unknown", "unknown")):
        if names := _counted(decisions, status):
            text += f"; {words}: {names}"
    return text + (f"; {dropped} more left to the CPU: too many or too small" if dropped else "")


def _bodies(callers: Sequence[str]) -> str:
    """What to say of other subgraphs: delegates take operators of them as well."""
    if not callers:
        return ""
    return f"; of the main graph alone: what {', '.join(dict.fromkeys(callers))} runs is not judged"


def _counted(decisions: Sequence[Decision], status: str) -> str:
    counts = Counter(decision.op for decision in decisions if decision.status == status)
    return ", ".join(f"{name}×{count}" for name, count in sorted(counts.items()))
