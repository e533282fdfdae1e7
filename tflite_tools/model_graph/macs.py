"""Multiply-accumulate operations of one operator."""

from collections.abc import Callable
from math import isqrt, prod

from tflite_tools.model_graph.records import Tensor

_Inputs = tuple[Tensor | None, ...]
_Outputs = tuple[Tensor, ...]


def count_macs(name: str, inputs: _Inputs, outputs: _Outputs) -> int:
    """The multiply-accumulate operations of one run; 0 for an operator that has none.

    An axis of any length counts as 1. Additions, poolings and activations count nothing, as in
    `keras_finet.complexity`; neither do products element by element, such as an LSTM's peepholes.
    What stands in another subgraph, such as the body of a loop, is not counted.
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


def _recurrent(*places: int) -> Callable[[_Inputs, _Outputs], int]:
    """Of matrices of weights, each of which meets every row of the input; some may be left out."""

    def count(inputs: _Inputs, outputs: _Outputs) -> int:
        given = (inputs[place] for place in places if place < len(inputs))
        weights = sum(prod(tensor.shape) for tensor in given if tensor is not None)
        return prod(_shape(inputs, 0)[:-1]) * weights

    return count


# Gates' weights of the input and of the state, then those of the projection. Google's
# tflite/kernels/lstm.cc, unidirectional_sequence_lstm.cc and bidirectional_sequence_lstm.cc.
_lstm = _recurrent(*range(1, 9), 16)
_two_lstms = _recurrent(*range(1, 9), 16, *range(18, 26), 33, *range(40, 48))
_basic_lstm = _recurrent(2)
_BASIC_LSTM_INPUTS = 5


def _one_lstm(inputs: _Inputs, outputs: _Outputs) -> int:
    return (_basic_lstm if len(inputs) == _BASIC_LSTM_INPUTS else _lstm)(inputs, outputs)


_COUNTS: dict[str, Callable[[_Inputs, _Outputs], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _fully_connected,
    "CONV_3D": _convolution_3d,
    "BATCH_MATMUL": _matrix_product,
    "LSTM": _one_lstm,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _two_lstms,
    "RNN": _recurrent(1, 2),
    "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent(1, 2),
    "BIDIRECTIONAL_SEQUENCE_RNN": _recurrent(1, 2, 5, 6, 10, 11),
    "SVDF": _recurrent(1, 2),
}
