"""The precisions, what int8 needs to know, and whether an int8 result is sound."""

from dataclasses import dataclass

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import LARGEST_REQUANTIZATION, float_ops, requantizations
from tflite_tools.samples import FloatArray

PRECISIONS = ("float32", "float16", "dynamic_int8", "int8")
INT8_IO = ("int8", "uint8", "float32")


@dataclass(frozen=True)
class Quantization:
    """How int8 is made.

    Attributes:
        calibration: The samples that the ranges of the activations come from.
        percentile: The share of an activation's values that its range covers; None for all.
        int8_io: The type of the file's input and output, one of `INT8_IO`.
        per_channel_dense: Whether a Dense layer's weights have a scale for each channel, which
            is more exact, or one for all, which is what NNAPI takes.
        input_type: The type of the file's input, if it is another one than `int8_io`.
    """

    calibration: FloatArray | None = None
    percentile: float | None = None
    int8_io: str = "int8"
    per_channel_dense: bool = True
    input_type: str | None = None


def check_integer_only(content: bytes, name: str) -> None:
    """Refuses an int8 model that computes in float here and there.

    Asked for int8 operators only, the converter still leaves those without an int8 kernel in
    float, between a DEQUANTIZE and a QUANTIZE, and says nothing.
    """
    if left := float_ops(content):
        raise ToolError(
            f"{name}: {', '.join(left)} would run in float, as TFLite has no int8 kernel for it. "
            "Replace the Keras layers that make it, or convert to float16."
        )


def check_requantization(content: bytes, name: str) -> None:
    """Refuses an int8 model whose weights a dead channel has blown up.

    A channel whose moving variance is near zero folds to huge weights. Its operator then needs
    a factor that int8 kernels do not have: they fail to start, or the accuracy collapses.
    """
    worst = max(requantizations(content), key=lambda item: item.ratio, default=None)
    if worst is None or worst.ratio < LARGEST_REQUANTIZATION:
        return
    raise ToolError(
        f"{name}: channel {worst.channel} of {worst.op} {worst.tensor} needs a requantisation "
        f"factor of {worst.ratio:.0f}, and int8 kernels take less than "
        f"{LARGEST_REQUANTIZATION:.0f}. Its batch normalisation has a dead channel (a moving "
        "variance near zero), which folds to huge weights. Convert with drop_dead_channels=True, "
        "that is without --keep-dead-channels; if it was, train with a larger epsilon or a smaller "
        "learning rate, or set that channel's gamma to zero; float16 is not affected."
    )
