"""Tensors of two files that belong together, where their operators differ."""

import numpy as np
import pytest

from tflite_tools.errors import ToolError
from tflite_tools.file_graph import FileGraph, Operator, Tensor, Weights
from tflite_tools.ranges.pairing import paired


def graph(kind, *operators):
    entry = Tensor(0, "image", (1, 4), kind)
    made = []
    for index, (op, name) in enumerate(operators, start=1):
        made.append(Operator(op, (index - 1,), (Tensor(index, name, (1, 4), kind),), None))
    return FileGraph((entry,), tuple(made))


CHAIN = (("ADD", "net_1/add_1/Add"), ("MUL", "net_1/mul_1/Mul"), ("MEAN", "net_1/pool_1/Mean"))


def test_operators_correspond_in_their_order_whatever_their_names():
    """A file of quantisation-aware training comes from another Keras."""
    renamed = [(op, f"quant/{index}") for index, (op, _) in enumerate(CHAIN)]
    pairs = paired(graph("FLOAT32", *CHAIN), graph("INT8", *renamed))
    assert [pair.layer for pair in pairs] == ["input", "add", "mul", "pool"]
    assert [pair.rounded.name for pair in pairs[1:]] == ["quant/0", "quant/1", "quant/2"]


def test_conversions_between_types_do_not_count():
    quantize = ("QUANTIZE", "again")
    pairs = paired(graph("FLOAT32", *CHAIN), graph("INT8", CHAIN[0], quantize, *CHAIN[1:]))
    assert [pair.rounded.index for pair in pairs] == [0, 1, 3, 4]


def test_where_operators_differ_names_decide():
    pairs = paired(
        graph("FLOAT32", *CHAIN), graph("INT8", *CHAIN[:2], ("SUM", "net_1/pool_1/Mean"))
    )
    assert [pair.layer for pair in pairs] == ["input", "add", "mul"]


def test_too_few_common_operators_are_another_model():
    with pytest.raises(ToolError, match=r"got 3 operators in the float32 file, of which .* has 1"):
        paired(graph("FLOAT32", *CHAIN), graph("INT8", CHAIN[0], ("SUM", "a"), ("SUM", "b")))


def test_weights_in_int8_alone_are_dynamic_range():
    stored = np.ones((2, 4), np.int8)
    dense = Operator(
        "FULLY_CONNECTED",
        (0,),
        (Tensor(1, "net_1/dense_1/MatMul", (1, 2), "FLOAT32"),),
        Weights(stored, "INT8"),
    )
    dynamic = FileGraph((Tensor(0, "image", (1, 4), "FLOAT32"),), (dense,))
    with pytest.raises(ToolError, match="got a second file of dynamic-range int8"):
        paired(graph("FLOAT32", *CHAIN), dynamic)
