"""What a report says of the operators of a graph."""

from dataclasses import dataclass
from typing import Any

from tflite_tools.model_graph import ModelGraph, Operator, Tensor


@dataclass(frozen=True)
class OperandReport:
    """An input or an output of an operator.

    Attributes:
        tensor: Its index in the file.
        shape: Its shape; None for an axis of any length.
        dtype: Its type, such as "float32".
        constant: Whether its values stand in the file.
        scales: How many scales it is quantised with, one or one for each channel; 0 if it is not.
    """

    tensor: int
    shape: tuple[int | None, ...]
    dtype: str
    constant: bool
    scales: int


@dataclass(frozen=True)
class OperatorReport:
    """An operator.

    Attributes:
        index: Its place in the order of execution.
        name: What it is, such as "CONV_2D".
        version: The version that the file asks for.
        options: Its options, named as in the schema.
        inputs: Its inputs; None for an optional one that is left out.
        outputs: Its outputs.
        macs: Its multiply-accumulate operations for one run.
        weight_bytes: The bytes of the constants that it reads.
    """

    index: int
    name: str
    version: int
    options: dict[str, Any]
    inputs: tuple[OperandReport | None, ...]
    outputs: tuple[OperandReport, ...]
    macs: int
    weight_bytes: int


def operator_reports(graph: ModelGraph) -> tuple[OperatorReport, ...]:
    """One report for each operator, in the order of execution."""
    return tuple(map(_operator, graph.operators))


def _operator(operator: Operator) -> OperatorReport:
    return OperatorReport(
        index=operator.index,
        name=operator.name,
        version=operator.version,
        options=operator.options,
        inputs=tuple(None if tensor is None else _operand(tensor) for tensor in operator.inputs),
        outputs=tuple(map(_operand, operator.outputs)),
        macs=operator.macs,
        weight_bytes=operator.weight_bytes,
    )


def _operand(tensor: Tensor) -> OperandReport:
    return OperandReport(
        tensor=tensor.index,
        shape=tuple(None if side < 0 else side for side in tensor.signature),
        dtype=tensor.dtype,
        constant=tensor.constant,
        scales=0 if tensor.quantization is None else len(tensor.quantization.scales),
    )
