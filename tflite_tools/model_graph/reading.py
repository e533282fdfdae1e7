"""Reads the graph of a .tflite file."""

import math
import re
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import DAMAGE, op_name, parse
from tflite_tools.model_graph.macs import count_macs
from tflite_tools.model_graph.records import ModelGraph, Operator, Quantization, Tensor

_MAX_VALUE_BYTES = 512


def _names(enumeration: type) -> dict[int, str]:
    return {code: name for name, code in vars(enumeration).items() if not name.startswith("_")}


_TYPES = {code: name.lower() for code, name in _names(schema.TensorType).items()}
# The options that the schema stores as a number and that have a name.
_NAMED_OPTIONS = {
    "padding": _names(schema.Padding),
    "fused_activation_function": _names(schema.ActivationFunctionType),
    "mode": _names(schema.MirrorPadMode),
    "weights_format": _names(schema.FullyConnectedOptionsWeightsFormat),
}
_INTEGERS = {schema.TensorType.INT32: "<i4", schema.TensorType.INT64: "<i8"}


def read_graph(content: bytes) -> ModelGraph:
    """Reads the main subgraph of a .tflite file.

    Raises:
        ToolError: It is no whole TFLite model.
    """
    model = parse(content)
    try:
        graph = model.subgraphs[0]
        tensors = [_tensor(model, index, tensor) for index, tensor in enumerate(graph.tensors)]
        return ModelGraph(
            operators=tuple(
                _operator(model, index, operator, tensors)
                for index, operator in enumerate(graph.operators or ())
            ),
            inputs=tuple(map(int, graph.inputs)),
            outputs=tuple(map(int, graph.outputs)),
            subgraphs=len(model.subgraphs),
        )
    except DAMAGE as error:
        raise ToolError(f"the TFLite model is damaged: {error}") from error


def _operator(model: Any, index: int, operator: Any, tensors: list[Tensor]) -> Operator:
    name = op_name(model, operator)
    options = _options(operator.builtinOptions)
    inputs = tuple(
        None if i < 0 else tensors[i] for i in (() if operator.inputs is None else operator.inputs)
    )
    outputs = tuple(
        tensors[i] for i in (() if operator.outputs is None else operator.outputs) if i >= 0
    )
    return Operator(
        index=index,
        name=name,
        version=int(model.operatorCodes[operator.opcodeIndex].version),
        options=options,
        inputs=inputs,
        outputs=outputs,
        macs=count_macs(name, inputs, outputs),
    )


def _options(options: Any) -> dict[str, Any]:
    return {} if options is None else dict(_option(*item) for item in vars(options).items())


def _option(schema_name: str, value: Any) -> tuple[str, Any]:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", schema_name).lower()
    if name in _NAMED_OPTIONS and value in _NAMED_OPTIONS[name]:
        return name, _NAMED_OPTIONS[name][value]
    if isinstance(value, np.ndarray | list):
        return name, tuple(np.asarray(value).tolist())
    return name, str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _tensor(model: Any, index: int, tensor: Any) -> Tensor:
    shape = _integers(tensor.shape)
    signature = shape if tensor.shapeSignature is None else _integers(tensor.shapeSignature)
    data = model.buffers[tensor.buffer].data
    external = model.buffers[tensor.buffer].size  # of data after the flatbuffer, in large files
    size = int(external or 0) if data is None else len(data)
    return Tensor(
        index=index,
        name=(tensor.name or b"").decode(errors="replace"),
        shape=shape,
        signature=signature,
        dtype=_TYPES.get(tensor.type, f"type {tensor.type}"),
        constant=size > 0 and not tensor.isVariable,
        size_bytes=size,
        quantization=_quantization(tensor.quantization),
        values=_values(tensor.type, data),
    )


def _integers(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(value) for value in values)


def _quantization(parameters: Any) -> Quantization | None:
    if parameters is None or parameters.scale is None or len(parameters.scale) == 0:
        return None
    return Quantization(
        scales=tuple(float(scale) for scale in parameters.scale),
        zero_points=_integers(parameters.zeroPoint),
        axis=int(parameters.quantizedDimension),
    )


def _values(dtype: int, data: Any) -> tuple[int, ...] | None:
    if data is None or dtype not in _INTEGERS or len(data) > _MAX_VALUE_BYTES:
        return None
    return tuple(np.frombuffer(bytes(data), _INTEGERS[dtype]).tolist())
