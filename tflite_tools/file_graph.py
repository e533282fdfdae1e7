"""The main graph of a .tflite file: what its operators read, their weights, what they compute."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import DAMAGE, op_name, parse
from tflite_tools.samples import AnyArray

Float64Array = np.ndarray[Any, np.dtype[np.float64]]

# Where their weights have the output channels; the weights are the second input.
_CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_NUMPY_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
}
_NAMES = {
    number: name for name, number in vars(schema.TensorType).items() if not name.startswith("_")
}


@dataclass(frozen=True)
class Tensor:
    """A tensor that an operator computes.

    Attributes:
        index: Its number, in the file as in the interpreter.
        name: Its name in the file.
        shape: Its shape, with the batch.
        type: The name of its type, such as "INT8".
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type: str


@dataclass(frozen=True)
class Weights:
    """The weights of an operator, their output channels on the first axis.

    Attributes:
        stored: As the file holds them.
        type: The name of their type.
        scale: What a step of them is worth: one number, or one for each channel.
        zero_point: Which of them stands for 0, likewise.
    """

    stored: AnyArray
    type: str
    scale: Float64Array = field(default_factory=lambda: np.ones(()))
    zero_point: Float64Array = field(default_factory=lambda: np.zeros(()))

    @cached_property
    def real(self) -> Float64Array:
        """The values that they stand for."""
        return (self.stored.astype(np.float64) - self.zero_point) * self.scale


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        kind: Its name, such as "CONV_2D".
        inputs: The tensors that it reads and that are not constants, by index.
        outputs: The tensors that it computes.
        weights: The weights of a convolution-like operator that stand in the file, also if they
            are unpacked first, as in float16.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[Tensor, ...]
    weights: Weights | None


@dataclass(frozen=True)
class FileGraph:
    """The main graph of a .tflite file.

    Attributes:
        inputs: Its inputs.
        operators: Its operators, in the order in which they run.
        subgraphs: How many graphs the file has: loops have some of their own.
    """

    inputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    subgraphs: int = 1

    @property
    def computing(self) -> list[Operator]:
        """The operators without those that only convert between types."""
        return [operator for operator in self.operators if operator.kind not in CONVERSIONS]

    @property
    def precision(self) -> str:
        """What the file computes in: "float32", "int8" or something else."""
        computed = {tensor.type for operator in self.computing for tensor in operator.outputs}
        stored = {operator.weights.type for operator in self.operators if operator.weights}
        if "INT8" in computed:
            return "int8"
        if "INT16" in computed:
            return "int8 with 16-bit activations"
        if "INT8" in stored:
            return "dynamic-range int8, which computes in float"
        if any(operator.kind == "DEQUANTIZE" for operator in self.operators):
            return "float16"
        return "float32"


def read_file_graph(content: bytes) -> FileGraph:
    """Reads the main graph of a .tflite file.

    Raises:
        ToolError: It is no whole TFLite model.
    """
    model = parse(content)
    try:
        graph = model.subgraphs[0]
        return FileGraph(
            inputs=tuple(_tensor(graph, index) for index in graph.inputs),
            operators=tuple(_operators(model, graph)),
            subgraphs=len(model.subgraphs),
        )
    except (*DAMAGE, KeyError) as error:
        raise ToolError(f"the TFLite model is damaged: {type(error).__name__}: {error}") from error


def _operators(model: Any, graph: Any) -> Iterator[Operator]:
    unpacked = {
        int(operator.outputs[0]): int(operator.inputs[0])
        for operator in graph.operators or ()
        if op_name(model, operator) == "DEQUANTIZE"
    }
    for operator in graph.operators or ():
        read = _present(operator.inputs)
        yield Operator(
            kind=op_name(model, operator),
            inputs=tuple(index for index in read if _data(model, graph.tensors[index]) is None),
            outputs=tuple(_tensor(graph, index) for index in _present(operator.outputs)),
            weights=_weights(model, graph, operator, unpacked),
        )


def _present(indices: Iterable[int] | None) -> list[int]:
    """Those of an operator's tensors that there are: a left out one is -1."""
    return [] if indices is None else [int(index) for index in indices if index >= 0]


def _tensor(graph: Any, index: int) -> Tensor:
    tensor = graph.tensors[index]
    shape = () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
    return Tensor(
        int(index), (tensor.name or b"").decode(errors="replace"), shape, _NAMES[tensor.type]
    )


def _data(model: Any, tensor: Any) -> Any:
    return model.buffers[tensor.buffer].data


def _weights(model: Any, graph: Any, operator: Any, unpacked: Mapping[int, int]) -> Weights | None:
    axis = _CHANNEL_AXES.get(op_name(model, operator))
    if axis is None:
        return None
    index = int(operator.inputs[1])
    tensor = graph.tensors[unpacked.get(index, index)]
    data, numpy_type = _data(model, tensor), _NUMPY_TYPES.get(tensor.type)
    # Sparse weights are stored otherwise.
    if data is None or numpy_type is None or tensor.sparsity is not None:
        return None
    array = np.frombuffer(bytes(data), numpy_type)
    if array.size != np.prod(tensor.shape):
        raise IndexError(f"{array.size} weights for the shape {tuple(tensor.shape)}")
    stored = np.moveaxis(array.reshape(tuple(tensor.shape)), axis, 0)
    return _quantized(Weights(stored, _NAMES[tensor.type]), tensor.quantization)


def _quantized(weights: Weights, quantization: Any) -> Weights:
    if quantization is None or quantization.scale is None:
        return weights
    # One scale and zero point for all channels, or one for each.
    columns = (-1, *(1,) * (weights.stored.ndim - 1))
    scale, zero_point = (
        np.asarray(values, np.float64).reshape(columns)
        for values in (quantization.scale, quantization.zeroPoint)
    )
    # Raises where they do not fit.
    np.broadcast_shapes(weights.stored.shape, scale.shape, zero_point.shape)
    return replace(weights, scale=scale, zero_point=zero_point)
