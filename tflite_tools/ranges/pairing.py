"""Which tensor of an int8 file is which of the float32 file that it was made from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.file_graph import FileGraph, Operator, Tensor, Weights
from tflite_tools.ranges.figures import decibels

_SUFFIX = re.compile(r"_1$")
# What the converter calls an output of the model.
_OUTPUT = "StatefulPartitionedCall"
# What TensorFlow calls the operation that has the weights; the converter may number it.
_WEIGHTED = re.compile(r"(Conv2D|convolution|depthwise|MatMul|BiasAdd)\d*$", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """A tensor of the float file and its counterpart.

    Attributes:
        layer: The name of the layer that it belongs to.
        op: What computes it; "INPUT" for the model's input.
        inputs: The float file's tensors that it is computed from, by index.
        exact: It in the float file.
        rounded: It in the int8 file.
        weights: The weights in both files, if the operator has any.
    """

    layer: str
    op: str
    inputs: tuple[int, ...]
    exact: Tensor
    rounded: Tensor
    weights: tuple[Weights, Weights] | None


def paired(exact: FileGraph, rounded: FileGraph) -> list[Pair]:
    """Pairs the tensors of a float32 and an int8 file, in the order of the graph.

    The operators correspond one by one, as a rule, whatever their names are; where the converter
    or another tool has changed some, the tensors with the same names do.

    Raises:
        ToolError: The files are not of the same model.
    """
    _check_precisions(exact, rounded)
    if exact.inputs[0].shape[1:] != rounded.inputs[0].shape[1:]:
        raise ToolError(
            "expected two files of the same model, got one for inputs of shape "
            f"{exact.inputs[0].shape[1:]} and one for {rounded.inputs[0].shape[1:]}."
        )
    operators = _same_operators(exact, rounded)
    entry = Pair("input", "INPUT", (), exact.inputs[0], _quantized_entry(rounded), None)
    pairs = [entry, *_tensors(operators, _layer_names(exact))]
    _check_weights(pairs)
    return pairs


def _check_precisions(exact: FileGraph, rounded: FileGraph) -> None:
    for graph, expected, order in ((exact, "float32", "first"), (rounded, "int8", "second")):
        if graph.precision != expected:
            raise ToolError(
                f"expected a float32 file and an int8 file of the same model, got a {order} file "
                f"of {graph.precision}."
            )


def _same_operators(exact: FileGraph, rounded: FileGraph) -> list[tuple[Operator, Operator]]:
    ours, theirs = exact.computing, rounded.computing
    if [_signature(each) for each in ours] == [_signature(each) for each in theirs]:
        return list(zip(ours, theirs, strict=True))
    named = {(_signature(each), _name(each)): each for each in theirs}
    found = [
        (each, named[key]) for each in ours if (key := (_signature(each), _name(each))) in named
    ]
    if 2 * len(found) < len(ours):
        raise ToolError(
            f"expected two files of the same model, got {len(ours)} operators in the float32 file, "
            f"of which the int8 file has {len(found)}. Convert both from one Keras model."
        )
    return found


def _signature(operator: Operator) -> tuple[str, tuple[tuple[int, ...], ...]]:
    """Without the batch, which may differ."""
    return operator.kind, tuple(tensor.shape[1:] for tensor in operator.outputs)


def _name(operator: Operator) -> str | None:
    """That of its first output; None for an operator without any, such as an assignment."""
    return next((tensor.name for tensor in operator.outputs), None)


def _quantized_entry(graph: FileGraph) -> Tensor:
    """The int8 form of the input, behind a QUANTIZE if the input itself is float."""
    for operator in graph.operators:
        if operator.kind == "QUANTIZE" and operator.inputs == (graph.inputs[0].index,):
            return operator.outputs[0]
    return graph.inputs[0]


def _tensors(operators: list[tuple[Operator, Operator]], layers: dict[int, str]) -> Iterator[Pair]:
    for ours, theirs in operators:
        both = ours.weights, theirs.weights
        weights = (both[0], both[1]) if both[0] is not None and both[1] is not None else None
        for exact, rounded in zip(ours.outputs, theirs.outputs, strict=True):
            if exact.type == "FLOAT32":
                layer = layers[exact.index]
                yield Pair(layer, ours.kind, ours.inputs, exact, rounded, weights)


def _check_weights(pairs: list[Pair]) -> None:
    """Two models of one architecture have weights that say nothing of each other: -3 dB."""
    ratios = []
    for pair in pairs:
        if pair.weights is None:
            continue
        exact, rounded = pair.weights
        if exact.real.shape != rounded.real.shape:
            raise ToolError(
                f"expected two files of the same model, got weights of shapes {exact.real.shape} "
                f"and {rounded.real.shape} in {pair.layer}."
            )
        ratios.append(decibels(exact.real, rounded.real))
    if ratios and np.median(ratios) < 0:
        raise ToolError(
            "expected two files of the same model, got the same operators with other weights. "
            "Convert both from one trained model."
        )


def _layer_names(graph: FileGraph) -> dict[int, str]:
    """Names of layers by the index of the tensor, made from what the converter calls tensors.

    It joins the operations that went into an operator: `net_1/relu_1/Relu;net_1/conv_1/BiasAdd`. Of
    an operator with weights, the layer that has them is named.
    """
    scopes = {
        tensor.index: _scope(tensor.name, operator.weights is not None)
        for operator in graph.operators
        for tensor in operator.outputs
    }
    named = [scope for scope in scopes.values() if len(scope) > 1]
    # The model's own name stands before all, and Keras numbers a model that is called once more.
    shared = len({scope[0] for scope in named}) == 1
    numbered = all(_SUFFIX.search(part) for scope in named for part in scope[:2])
    names = {}
    for index, scope in scopes.items():
        parts = scope[1:] if shared and len(scope) > 1 else scope
        names[index] = "/".join(_SUFFIX.sub("", part) if numbered else part for part in parts)
    return names


def _scope(name: str, weighted: bool) -> list[str]:
    parts = name.split(";")
    if weighted:
        parts = [part for part in parts if _WEIGHTED.search(part)] or parts
    scope = parts[0].split("/")
    if scope[0].startswith(_OUTPUT):
        return ["output"]
    return scope[:-1] if len(scope) > 2 else scope
