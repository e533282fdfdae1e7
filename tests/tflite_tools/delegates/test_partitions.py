"""Partitions of graphs small enough to cut by hand."""

import pytest

from tflite_tools.delegates.partitions import find_partitions
from tflite_tools.errors import ToolError
from tflite_tools.model_graph import ModelGraph, Operator, Tensor


def _tensor(index):
    return Tensor(index, str(index), (1,), (1,), "float32", False, 0, None, None)


def graph(*edges, inputs=(0,), outputs):
    """A graph of operators that each read some tensors and make one."""
    operators = tuple(
        Operator(i, "ADD", 1, {}, tuple(map(_tensor, read)), (_tensor(made),), 0)
        for i, (read, made) in enumerate(edges)
    )
    return ModelGraph(operators, inputs, outputs, 1)


def cuts(found):
    return [partition.operators for partition in found]


CHAIN = graph(((0,), 1), ((1,), 2), ((2,), 3), ((3,), 4), outputs=(4,))


def test_a_whole_chain_is_one():
    (found,) = find_partitions(CHAIN, {0, 1, 2, 3})
    assert (found.operators, found.inputs, found.outputs) == ((0, 1, 2, 3), (0,), (4,))


def test_a_refused_operator_cuts_a_chain():
    first, second = find_partitions(CHAIN, {0, 2, 3})
    assert (first.operators, first.outputs) == ((0,), (1,))
    assert (second.operators, second.inputs, second.outputs) == ((2, 3), (2,), (4,))


def test_nothing_taken():
    assert find_partitions(CHAIN, set()) == []


def test_a_branch_that_is_ready_runs_with_the_first_partition():
    # 0 → 1 (refused) → 3 and 0 → 2 → 3: operator 2 need not wait for 1.
    diamond = graph(((0,), 1), ((1,), 2), ((1,), 3), ((2, 3), 4), outputs=(4,))
    assert cuts(find_partitions(diamond, {0, 2, 3})) == [(0, 2), (3,)]
    assert find_partitions(diamond, {0, 2, 3})[0].outputs == (1, 3)


def test_a_refused_start_lets_what_does_not_need_it_wait():
    # The first ready operator decides which side begins.
    two = graph(((0,), 1), ((0,), 2), ((1, 2), 3), outputs=(3,))
    assert cuts(find_partitions(two, {1, 2})) == [(1, 2)]


def test_outputs_of_the_model_leave_their_partition():
    found = find_partitions(graph(((0,), 1), ((1,), 2), outputs=(1, 2)), {0, 1})
    assert found[0].outputs == (1, 2)


def test_operators_that_wait_for_each_other():
    with pytest.raises(ToolError, match="wait for each other"):
        find_partitions(graph(((2,), 1), ((1,), 2), outputs=(2,)), {0, 1})
