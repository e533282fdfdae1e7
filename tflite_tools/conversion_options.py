"""What can be seen to be wrong with the options of a conversion before it begins."""

from collections.abc import Iterable, Sequence
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.quantize import INT8_IO, PRECISIONS


def checked_precisions(precisions: Sequence[str]) -> list[str]:
    """The precisions, each once; refuses unknown ones."""
    # What is no sequence is reported as if it were the one precision.
    several = isinstance(precisions, Iterable) and not isinstance(precisions, str)
    given: list[Any] = list(precisions) if several else [precisions]
    unknown = [str(precision) for precision in given if precision not in PRECISIONS]
    if unknown or not given:
        raise ToolError(
            f"precision: expected one or more of {', '.join(PRECISIONS)}, got "
            f"{', '.join(unknown) or 'none'}."
        )
    return list(dict.fromkeys(given))


def check_options(
    precisions: Sequence[str], calibration: Any, int8_io: str, batch_size: int
) -> None:
    """Refuses options that do not go with the precisions, before any work."""
    if "int8" in precisions and calibration is None:
        raise ToolError(
            "int8 needs calibration data to find the ranges of the activations: some hundred "
            "samples as in training, or a folder of images. Got none."
        )
    if int8_io not in INT8_IO:
        raise ToolError(f"int8_io: expected one of {', '.join(INT8_IO)}, got {int8_io}.")
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ToolError(f"batch_size: expected a whole number from 1, got {batch_size}.")
