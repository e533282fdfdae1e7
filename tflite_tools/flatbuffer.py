"""What a .tflite file says about itself: its operators and their quantisation scales."""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.errors import ToolError

# XNNPACK refuses factors from here on, and the reference kernels lose the other channels.
LARGEST_REQUANTIZATION = 256.0
# The convolution-like operators: their inputs are activations, weights, bias.
_WEIGHTED_OPS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_BUILTIN_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
_CONTROL_FLOW = ("WHILE", "IF", "CALL", "CALL_ONCE", "STABLEHLO_WHILE")
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_IDENTIFIER = b"TFL3"
# What reading at places that a damaged file names can raise.
DAMAGE = (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Requantization:
    """The factor from an int8 operator's accumulator to its output, for its worst channel."""

    op: str
    tensor: str
    channel: int
    ratio: float


def parse(content: bytes) -> Any:
    """The model as objects of the schema."""
    if content[4:8] != _IDENTIFIER:
        raise ToolError("not a TFLite model: its file identifier is missing.")
    try:
        return schema.ModelT.InitFromPackedBuf(content, 0)
    except DAMAGE as error:
        raise ToolError(f"the TFLite model is damaged: {error}") from error


def op_histogram(content: bytes) -> dict[str, int]:
    """Counts the operators of all subgraphs, the most frequent first.

    A custom operator, TensorFlow's Flex operators among them, is called `CUSTOM:<its name>`.
    """
    model = parse(content)
    counts = Counter(
        op_name(model, operator) for graph in model.subgraphs for operator in graph.operators or ()
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def custom_ops(histogram: dict[str, int]) -> list[str]:
    """The operators that a runtime without extensions does not have."""
    return [name.removeprefix("CUSTOM:") for name in histogram if name.startswith("CUSTOM")]


def control_flow(content: bytes) -> list[str]:
    """The operators that run other subgraphs, loops above all."""
    if len(parse(content).subgraphs) == 1:
        return []
    called = [name for name in op_histogram(content) if name in _CONTROL_FLOW]
    return called or ["several subgraphs"]


def float_ops(content: bytes) -> list[str]:
    """The operators that compute in floating point, without those that convert to and from it."""
    model = parse(content)
    return sorted(
        {
            op_name(model, operator)
            for graph in model.subgraphs
            for operator in graph.operators or ()
            if any(
                graph.tensors[index].type == schema.TensorType.FLOAT32
                for index in (*operator.inputs, *operator.outputs)
                if index >= 0  # an optional input that is left out is -1
            )
        }.difference(_CONVERSIONS)
    )


def requantizations(content: bytes) -> Iterator[Requantization]:
    """The requantisation factor of every int8 operator that has weights."""
    model = parse(content)
    for graph in model.subgraphs:
        for operator in graph.operators or ():
            name = op_name(model, operator)
            if name not in _WEIGHTED_OPS:
                continue
            tensors = [graph.tensors[i] for i in (*operator.inputs[:2], operator.outputs[0])]
            if all(tensor.type == schema.TensorType.INT8 for tensor in tensors):
                yield _requantization(name, *tensors)


def _requantization(op: str, activations: Any, weights: Any, output: Any) -> Requantization:
    ratios = _scales(activations) * _scales(weights) / _scales(output)
    channel = int(np.argmax(ratios))
    return Requantization(op, output.name.decode(), channel, float(ratios[channel]))


def _scales(tensor: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(tensor.quantization.scale, dtype=np.float64)


def op_name(model: Any, operator: Any) -> str:
    """The name of an operator of a parsed model."""
    code = model.operatorCodes[operator.opcodeIndex]
    # Files for old readers hold the operator in the first field only, new ones in both.
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM:{code.customCode.decode()}"
    return _BUILTIN_NAMES.get(builtin, f"CUSTOM:builtin {builtin}")
