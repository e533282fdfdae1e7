"""What the delegates of a phone would do with a graph, and what to try there first."""

from dataclasses import dataclass

from tflite_tools.delegates.records import DelegateReport
from tflite_tools.delegates.reporting import delegate_report
from tflite_tools.delegates.targets import Target, find_target
from tflite_tools.model_graph import ModelGraph

_NEARLY_ALL = 0.95


@dataclass(frozen=True)
class TargetReport:
    """What the delegates of a phone would do with a graph.

    Attributes:
        target: The phone.
        precision: What the graph computes with: "float32", "float16" (its weights) or "int8".
        recommended: The delegate to try first with this file; None if none that the target names
            for its precision takes an operator.
        delegates: A report for each delegate that exists for the phone.
    """

    target: Target
    precision: str
    recommended: str | None
    delegates: tuple[DelegateReport, ...]


def target_report(graph: ModelGraph, name: str) -> TargetReport:
    """Reports on every delegate of a target.

    Args:
        graph: The graph.
        name: The target, such as "snapdragon-855".

    Raises:
        ToolError: There is no such target.
    """
    target = find_target(name)
    reports = {delegate: delegate_report(graph, delegate) for delegate in target.delegates}
    precision = _precision(graph)
    return TargetReport(
        target=target,
        precision=precision,
        recommended=_recommended(target, precision, reports),
        delegates=tuple(reports.values()),
    )


def _precision(graph: ModelGraph) -> str:
    tensors = [t for o in graph.operators for t in (*o.inputs, *o.outputs) if t is not None]
    if any(tensor.dtype in ("int8", "uint8") and not tensor.constant for tensor in tensors):
        return "int8"
    return "float16" if any(tensor.dtype == "float16" for tensor in tensors) else "float32"


def _recommended(target: Target, precision: str, reports: dict[str, DelegateReport]) -> str | None:
    """Of what the target names for the precision: what takes most, the first of equals."""
    named = [a.delegate for a in target.attempts if a.precision == precision]
    useful = [delegate for delegate in named if reports[delegate].operators]
    return max(useful, key=lambda name: _rank(reports[name]), default=None)


def _rank(report: DelegateReport) -> float:
    """How much runs on it; nearly all counts as all, so that the target's order decides."""
    share = report.mac_share
    if share is None:
        share = report.operators / len(report.decisions)
    return 1.0 if report.coverage == "full" or share >= _NEARLY_ALL else share
