"""What a .tflite file is fed, and what the Keras model that it was made from."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.metadata import ModelMetadata, read_metadata
from tflite_tools.preprocessing import PREPROCESSING, Normalization, is_image_shape, normalization
from tflite_tools.provenance import read_provenance
from tflite_tools.samples import AnyArray, FloatArray

_BRIGHTEST = 255.0
_COLOR_SPACES = {1: "GRAYSCALE", 3: "RGB"}


@dataclass(frozen=True)
class Feeding:
    """How images become inputs.

    Attributes:
        preprocessing: What the Keras model was trained on, one of `PREPROCESSING`.
        included: Whether that is part of the file, which then takes pixels from 0 to 255.
    """

    preprocessing: str
    included: bool = False

    @property
    def of_images(self) -> str:
        """What images have to undergo before they are fed to the file, one of `PREPROCESSING`."""
        return "none" if self.included else self.preprocessing

    def normalization(self, channels: int) -> Normalization:
        """What the Keras model was trained on, as numbers."""
        return normalization(self.preprocessing, channels)

    def for_keras(self, samples: FloatArray) -> FloatArray:
        """The file's inputs as the Keras model takes them."""
        return self.normalization(samples.shape[-1])(samples) if self.included else samples

    def checked(self, samples: AnyArray, *, what: str) -> AnyArray:
        """The samples as the file takes them: whole pixels if that is what it does."""
        return checked_pixels(samples, what=what) if self.included else samples


def checked_pixels(samples: AnyArray, *, what: str) -> AnyArray:
    """Rounds pixels to whole numbers; refuses what are none.

    Args:
        samples: `(N, height, width, channels)`.
        what: How messages call them.
    """
    low, high = float(samples.min()), float(samples.max())
    if low < 0 or high > _BRIGHTEST or 0 < high <= 1:
        raise ToolError(
            f"{what}: expected pixels from 0 to 255, as the normalization is part of the file, got "
            f"values from {low:.3g} to {high:.3g}. Give them as they were before preprocessing."
        )
    whole = np.issubdtype(samples.dtype, np.integer)
    return samples if whole else np.rint(samples)


def file_feeding(content: bytes) -> Feeding | None:
    """What a .tflite file says that it is fed; None if it does not say.

    Ours say it in their record of provenance; others may have TFLite metadata.
    """
    record = read_provenance(content)
    if record is None:
        return _by_metadata(read_metadata(content))
    recipe = record.get("recipe")
    if not isinstance(recipe, dict) or recipe.get("preprocessing") not in PREPROCESSING:
        return None
    return Feeding(recipe["preprocessing"], recipe.get("include_preprocessing") is True)


def common_feeding(files: Mapping[Path, bytes], preprocessing: str | None = None) -> Feeding:
    """What files are fed that are given the same samples: pixels, if any of them takes pixels.

    Args:
        files: Their contents.
        preprocessing: What a user says that the model was trained on; by default what the files
            say, and "torch" where none says anything.
    """
    known = (_known_feeding(path, content) for path, content in files.items())
    said = [feeding for feeding in known if feeding is not None]
    included = any(feeding.included for feeding in said)
    if preprocessing is not None and not included:
        return Feeding(preprocessing)
    names = {feeding.preprocessing for feeding in said}
    if preprocessing is not None:
        names.add(preprocessing)
    if len(names) > 1:
        raise ToolError(
            "preprocessing: expected one for all files, as they say themselves, got "
            f"{', '.join(sorted(names))}. Give files of one model."
        )
    return Feeding(next(iter(names), "torch"), included)


def takes_pixels(path: Path, content: bytes) -> bool:
    """Whether the normalization is part of a .tflite file, as far as the file says."""
    known = _known_feeding(path, content)
    return known is not None and known.included


def _known_feeding(path: Path, content: bytes) -> Feeding | None:
    try:
        return file_feeding(content)
    except ToolError as error:
        raise ToolError(f"{path}: {error}") from error


def color_space(shape: Sequence[int | None]) -> str | None:
    """What TFLite metadata call the colours of a sample; None if it is no image."""
    return _COLOR_SPACES[shape[-1] or 0] if is_image_shape(shape) else None


def are_images(source: Any) -> bool:
    """Whether a source of samples holds images, which are preprocessed when they are read."""
    is_file = isinstance(source, str | os.PathLike) and os.path.isfile(source)  # noqa: PTH113
    return isinstance(source, str | os.PathLike) and not is_file


def _by_metadata(metadata: ModelMetadata | None) -> Feeding | None:
    if metadata is None or metadata.mean is None or metadata.std is None:
        return None
    channels = 1 if metadata.color_space == "GRAYSCALE" else 3
    for name in PREPROCESSING[channels == 1 :]:  # the first one is for RGB
        known = normalization(name, channels)
        pairs = ((known.mean, metadata.mean), (known.std, metadata.std))
        if all(np.allclose(wanted, found, rtol=1e-5) for wanted, found in pairs):
            return Feeding(name)
    return None
