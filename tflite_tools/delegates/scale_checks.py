"""Checks of how the integers of operands are quantised."""

import math

from tflite_tools.delegates.vocabulary import Finding, check, operands
from tflite_tools.model_graph import Operator, Quantization, Tensor


@check
def per_tensor(operator: Operator, indices: list[int]) -> str | None:
    """Quantised operands with one scale only."""
    for index in indices:
        for tensor in operands(operator, str(index)):
            if _is_quantized(tensor) and len(_quantization(tensor).scales) != 1:
                where = "the output" if index < 0 else f"input {index}"
                return f"{where} has a scale for each channel; expected a single one"
    return None


@check
def channel_axis(operator: Operator, axes: dict[str, int]) -> str | None:
    """The axis on which an operand may have a scale for each channel."""
    for index, axis in axes.items():
        for tensor in operands(operator, index):
            quantization = tensor.quantization
            if (
                quantization is not None
                and len(quantization.scales) > 1
                and quantization.axis != axis
            ):
                return f"input {index} has its scales on axis {quantization.axis}; expected {axis}"
    return None


@check
def same_quantization(operator: Operator, names: list[str]) -> str | None:
    """For integers of these types: inputs and outputs with the same scale and zero point."""
    found = {
        (tensor.quantization.scales, tensor.quantization.zero_points)
        for tensor in (*operator.inputs, *operator.outputs)
        if tensor is not None and tensor.dtype in names and tensor.quantization is not None
    }
    return "has operands with different scales or zero points" if len(found) > 1 else None


@check
def scale_ratio(operator: Operator, limits: list[float]) -> str | None:
    """The range of an input's scale over the output's, for integers of one type."""
    output = operator.outputs[0]
    for tensor in operator.inputs:
        if tensor is None or tensor.dtype != output.dtype or not _is_quantized(tensor):
            continue
        ratio = _ratio(_scale(tensor), output)
        if not limits[0] <= ratio < limits[1]:
            return _out_of_range("input scale / output scale", ratio, limits)
    return None


@check
def scale_product(operator: Operator, limits: list[float]) -> str | None:
    """The range of the product of both inputs' scales over the output's."""
    left, right, output = *operator.inputs[:2], operator.outputs[0]
    if left is None or right is None or {left.dtype, right.dtype} != {output.dtype}:
        return None
    if not _is_quantized(output):
        return None
    ratio = _ratio(_scale(left) * _scale(right), output)
    if limits[0] <= ratio < limits[1]:
        return None
    return _out_of_range("product of the input scales / output scale", ratio, limits)


def _out_of_range(what: str, ratio: float, limits: list[float]) -> str:
    return f"{what} is {ratio:.3g}; expected {limits[0]:.3g} to {limits[1]:.3g}"


def _is_quantized(tensor: Tensor) -> bool:
    return tensor.dtype in ("int8", "uint8") and tensor.quantization is not None


def _quantization(tensor: Tensor) -> Quantization:
    return tensor.quantization or Quantization((1.0,), (0,), 0)


def _scale(tensor: Tensor) -> float:
    return _quantization(tensor).scales[0]


def _ratio(scale: float, output: Tensor) -> float:
    return scale / _scale(output) if _scale(output) else math.inf


@check
def channel_weights(operator: Operator, reason: str) -> Finding | None:
    """Weights with a scale for each channel: accepted, and refused by what comes after."""
    for tensor in operands(operator, "1"):
        if _is_quantized(tensor) and len(_quantization(tensor).scales) > 1:
            return Finding(reason, fatal=True)
    return None


@check
def signed_zero_point(operator: Operator, _: bool) -> str | None:
    """Signed integers that are quantised symmetrically."""
    tensor = operator.inputs[0]
    if tensor is None or tensor.dtype != "int8" or not any(_quantization(tensor).zero_points):
        return None
    return "int8 with a zero point that is not 0"
