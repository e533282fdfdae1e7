"""The samples that both files of a range report run on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tflite_tools.datasets import LabelledSamples, load_labelled
from tflite_tools.errors import ToolError
from tflite_tools.feeding import Feeding, common_feeding, takes_pixels

_WHAT = "inputs"


def load_common_samples(
    source: Any,
    sample_shape: Sequence[int],
    files: Mapping[Path, bytes],
    *,
    preprocessing: str | None,
    **reading: Any,
) -> LabelledSamples:
    """Loads samples as both files are fed; `range_report` describes the arguments.

    Args:
        source: The samples.
        sample_shape: The shape of one of them.
        files: The contents of both files.
        preprocessing: None for what the files say.
        **reading: The other arguments of `load_labelled`.

    Raises:
        ToolError: The samples cannot be used, or the files are not fed alike.
    """
    feeding = _feeding(files, preprocessing)
    loaded = load_labelled(
        source,
        sample_shape,
        what=_WHAT,
        labels="ignored",
        preprocessing=feeding.of_images,
        **reading,
    )
    return replace(loaded, samples=feeding.checked(loaded.samples, what=_WHAT))


def _feeding(files: Mapping[Path, bytes], preprocessing: str | None) -> Feeding:
    """Refuses one file of pixels: its first layers have no counterpart in the other."""
    of_pixels = [path for path, content in files.items() if takes_pixels(path, content)]
    if len(of_pixels) == 1:
        (other,) = files.keys() - of_pixels
        raise ToolError(
            f"{of_pixels[0]}: takes pixels, as the normalization is part of the file, but "
            f"{other} does not. Convert both with include_preprocessing, or both without."
        )
    if of_pixels and preprocessing == "none":  # how the files are fed; not what they say
        return common_feeding(files)
    return common_feeding(files, preprocessing)
