"""Int8 from given ranges: percentiles of the activations in place of minimum and maximum.

TensorFlow Lite's converter takes the true minimum and maximum of the calibration data and lets
nobody give others; ai-edge-quantizer does, for a float file that is converted already.
"""

from typing import Any

import numpy as np

from tflite_tools.activation_ranges import activation_ranges
from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray

_LOWEST = 50.0


def check_percentile(percentile: object) -> None:
    """Refuses what is no share of the values."""
    if percentile is None:
        return
    if not isinstance(percentile, int | float) or not _LOWEST < percentile <= 100:
        raise ToolError(
            "calibration_percentile: expected more than 50 and at most 100, such as 99.99, got "
            f"{percentile}."
        )


def quantized_by_percentile(
    content: bytes,
    samples: FloatArray,
    percentile: float,
    *,
    int8_io: str,
    name: str,
    per_channel_dense: bool = True,
) -> bytes:
    """Quantises a float .tflite file to int8, weights per channel.

    Args:
        content: The float file.
        samples: The calibration samples.
        percentile: As `activation_ranges` takes it: 99.99 leaves out one value in 10 000 at
            each end. One sample in N that is wrong as a whole takes less than 100 · (1 − 1/N).
        int8_io: "int8" or "float32", the type of the input and output.
        name: How messages call the model.
        per_channel_dense: Whether the weights of a Dense layer have a scale for each channel, or
            one for all, which is what NNAPI takes.
    """
    ranges = activation_ranges(content, samples, percentile=percentile)
    calibrated = {one.tensor: {"min": _scalar(one.low), "max": _scalar(one.high)} for one in ranges}
    with silenced():
        from ai_edge_quantizer import qtyping, quantizer, recipe

        tool = quantizer.Quantizer(content, recipe.static_wi8_ai8())
        if not per_channel_dense:
            dense, whole = (
                qtyping.TFLOperationName.FULLY_CONNECTED,
                qtyping.QuantGranularity.TENSORWISE,
            )
            tool.add_static_config(".*", dense, 8, 8, weight_granularity=whole)
        if int8_io == "float32":
            for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
                tool.update_quantization_recipe(
                    ".*", end, algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE
                )
        try:
            result = tool.quantize(calibrated, enable_progress_report=False)
        # It raises ValueError, RuntimeError and others, by what it meets in the graph.
        except Exception as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ToolError(
                f"{name}: ai-edge-quantizer cannot quantise the model: {reason} Convert it without "
                "calibration_percentile."
            ) from error
    return bytes(result.quantized_model)


def _scalar(value: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array([value], np.float32)
