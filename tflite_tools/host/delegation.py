"""Which operators of a file XNNPACK took in this very interpreter."""

from collections import Counter
from collections.abc import Iterable, Set

from tflite_tools.delegates import delegate_report
from tflite_tools.host.records import OpsNotTaken
from tflite_tools.interpreter import DelegateNode, LiteModel
from tflite_tools.model_graph import ModelGraph, Operator, read_graph


def ops_not_taken(model: LiteModel) -> tuple[int, tuple[OpsNotTaken, ...]]:
    """How many operators a file's main graph has, and which of them XNNPACK did not take.

    What it took is read off the interpreter; why it did not take the others, off its rules.
    """
    graph = read_graph(model.content)
    taken = _inside(graph, model.delegate_nodes())
    reasons = {
        decision.index: decision.reason or "the rules known here do not say why"
        for decision in delegate_report(graph, "xnnpack").decisions
    }
    others = Counter(
        (operator.name, reasons[operator.index], bool(operator.calls))
        for operator in graph.operators
        if operator.index not in taken
    )
    return len(graph.operators), tuple(
        OpsNotTaken(name, count, reason, calls) for (name, reason, calls), count in others.items()
    )


def _inside(graph: ModelGraph, nodes: Iterable[DelegateNode]) -> set[int]:
    """The operators that the delegate's nodes stand for: those between inputs and outputs."""
    makers = {tensor.index: operator for operator in graph.operators for tensor in operator.outputs}
    found: set[int] = set()
    for node in nodes:
        found |= _between(makers, node.inputs, node.outputs)
    return found


def _between(makers: dict[int, Operator], inputs: Set[int], outputs: Set[int]) -> set[int]:
    found: set[int] = set()
    wanted = set(outputs)
    while wanted:
        operator = makers.get(wanted.pop())
        if operator is None or operator.index in found:
            continue
        found.add(operator.index)
        read = {tensor.index for tensor in operator.inputs if tensor is not None}
        wanted |= read - inputs
    return found
