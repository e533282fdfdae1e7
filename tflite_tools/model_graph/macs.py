"""Multiply-accumulate operations of one operator."""

from collections.abc import Callable
from math import isqrt, prod

from tflite_tools.model_graph.records import Tensor

_Inputs = tuple[Tensor | None, ...]
_Outputs = tuple[Tensor, ...]


def count_macs(name: str, inputs: _Inputs, outputs: _Outputs) -> int:
    """The multiply-accumulate operations of one run; 0 for an operator that has none.

    An axis of any length counts as 1. Additions, poolings and activations count nothing, as in
    `keras_finet.complexity`.
    """
    return _COUNTS[name](inputs, outputs) if name in _COUNTS else 0


def _shape(tensors: _Inputs, index: int) -> tuple[int, ...]:
    tensor = tensors[index]
    return () if tensor is None else tensor.shape


def _convolution(inputs: _Inputs, outputs: _Outputs) -> int:
    # Filters are (out, h, w, in): `in` is that of one group.
    return prod(outputs[0].shape) * prod(_shape(inputs, 1)[1:])


def _depthwise(inputs: _Inputs, outputs: _Outputs) -> int:
    return prod(outputs[0].shape) * prod(_shape(inputs, 1)[1:3])


def _transposed(inputs: _Inputs, outputs: _Outputs) -> int:
    # Inputs are the output's shape, filters (out, h, w, in), activations.
    return prod(_shape(inputs, 2)) * prod(_shape(inputs, 1)[:3])


def _fully_connected(inputs: _Inputs, outputs: _Outputs) -> int:
    return prod(outputs[0].shape) * _shape(inputs, 1)[1]


def _convolution_3d(inputs: _Inputs, outputs: _Outputs) -> int:
    # Filters are (d, h, w, in, out).
    return prod(outputs[0].shape) * prod(_shape(inputs, 1)[:4])


def _matrix_product(inputs: _Inputs, outputs: _Outputs) -> int:
    # a·k elements, k·b elements and a·b elements: the root of their product is a·b·k, whichever
    # operand is transposed.
    sides = (
        prod(_shape(inputs, 0)[-2:]) * prod(_shape(inputs, 1)[-2:]) * prod(outputs[0].shape[-2:])
    )
    return prod(outputs[0].shape[:-2]) * isqrt(sides)


_COUNTS: dict[str, Callable[[_Inputs, _Outputs], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _fully_connected,
    "CONV_3D": _convolution_3d,
    "BATCH_MATMUL": _matrix_product,
}
