"""How TFLite cuts a graph into what a delegate runs as one, and what stays on the CPU.

It goes through the operators in their order and collects those of one side whose inputs are there,
also past others that have to wait; then it turns to the other side, until none is left
(source: google-ai-edge/LiteRT, tflite/graph_info.cc).
"""

from collections.abc import Iterable, Set

from tflite_tools.delegates.records import Partition
from tflite_tools.errors import ToolError
from tflite_tools.model_graph import ModelGraph, Operator


def find_partitions(graph: ModelGraph, taken: Set[int]) -> list[Partition]:
    """What a delegate runs as one each.

    Args:
        graph: The graph.
        taken: The places of the operators that the delegate takes.

    Raises:
        ToolError: The order of the operators is none in which they can run.
    """
    groups = _groups(graph, taken)
    home = {
        tensor.index: number
        for number, group in enumerate(groups)
        for operator in group
        for tensor in operator.outputs
    }
    return [
        _partition(graph, number, group, home)
        for number, group in enumerate(groups)
        if group[0].index in taken
    ]


def _groups(graph: ModelGraph, taken: Set[int]) -> list[list[Operator]]:
    """All operators in the order in which they run, those of one side together."""
    waiting = list(graph.operators)
    missing = {tensor.index for operator in waiting for tensor in operator.outputs}
    groups = []
    while waiting:
        group = _collect(waiting, missing, taken)
        if not group:
            raise ToolError("the operators of the TFLite model wait for each other.")
        chosen = {operator.index for operator in group}
        waiting = [operator for operator in waiting if operator.index not in chosen]
        groups.append(group)
    return groups


def _collect(waiting: list[Operator], missing: set[int], taken: Set[int]) -> list[Operator]:
    """Of one side all that can run, one after the other; the first that can run decides which."""
    group: list[Operator] = []
    for operator in waiting:
        is_other = group and (operator.index in taken) != (group[0].index in taken)
        if not is_other and not _read(operator) & missing:
            group.append(operator)
            missing.difference_update(tensor.index for tensor in operator.outputs)
    return group


def _read(operator: Operator) -> set[int]:
    return {tensor.index for tensor in operator.inputs if tensor is not None}


def _partition(
    graph: ModelGraph, number: int, group: list[Operator], home: dict[int, int]
) -> Partition:
    read = {index for operator in group for index in _read(operator)}
    made = {tensor.index for operator in group for tensor in operator.outputs}
    read_elsewhere = {
        index
        for operator in graph.operators
        if home.get(operator.outputs[0].index if operator.outputs else -1) != number
        for index in _read(operator)
    }
    return Partition(
        operators=tuple(sorted(operator.index for operator in group)),
        inputs=_sorted(read - made),
        outputs=_sorted(made & (read_elsewhere | set(graph.outputs))),
    )


def _sorted(indices: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(indices))
