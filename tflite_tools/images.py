"""Folders of images as model inputs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray, spread

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
_MODES = {1: "L", 3: "RGB"}


def load_images(
    folder: Path, sample_shape: Sequence[int], *, limit: int | None, preprocessing: str
) -> FloatArray:
    """Reads the images under a folder, resized to the model's input and preprocessed.

    Args:
        folder: Searched with all its sub-folders, in the order of the names.
        sample_shape: `(height, width, channels)`, with 1 channel or 3.
        limit: At most so many images, evenly spread over the folder.
        preprocessing: A key of `PREPROCESSING`.
    """
    if len(sample_shape) != 3 or sample_shape[-1] not in _MODES:
        raise ToolError(
            f"{folder}: images fit an input of (height, width, 1 or 3), but the model's is "
            f"{tuple(sample_shape)}. Give the samples as an .npy file."
        )
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ToolError(f"{folder}: expected images ({', '.join(SUFFIXES)}), found none.")
    chosen = [files[position] for position in spread(len(files), limit)]
    height, width, channels = sample_shape
    with silenced():  # Pillow warns about palettes and large images
        pixels = np.stack([_load(file, (width, height), _MODES[channels]) for file in chosen])
    return PREPROCESSING[preprocessing](pixels.reshape(-1, height, width, channels))


def _load(file: Path, size: tuple[int, int], mode: str) -> FloatArray:
    from PIL import Image

    try:
        with Image.open(file) as image:
            resized = image.convert(mode).resize(size, Image.Resampling.BILINEAR)
    # Pillow raises OSError, SyntaxError, struct.error and others, by image format.
    except Exception as error:
        raise ToolError(
            f"{file}: expected an image, but it cannot be read: {error}. Remove or replace it."
        ) from error
    return np.asarray(resized, dtype=np.float32)


def _torch(pixels: FloatArray) -> FloatArray:
    """As keras_finet's models are trained."""
    with silenced():
        import keras_finet

        return np.asarray(keras_finet.preprocess_input(pixels), dtype=np.float32)


PREPROCESSING: dict[str, Callable[[FloatArray], Any]] = {
    "torch": _torch,
    "tf": lambda pixels: pixels / np.float32(127.5) - np.float32(1),
    "unit": lambda pixels: pixels / np.float32(255),
    "none": lambda pixels: pixels,
}
