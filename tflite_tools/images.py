"""Images as model inputs."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflite_tools.eight_bits import eight_bits
from tflite_tools.errors import ToolError
from tflite_tools.preprocessing import normalization
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray, spread

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
_MODES = {1: "L", 3: "RGB"}
_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class FolderImages:
    """Images read from a folder.

    Attributes:
        pixels: `(N, height, width, channels)`, preprocessed.
        files: The N files, in the same order.
        skipped: The files that could not be read, if that was allowed.
    """

    pixels: FloatArray
    files: tuple[Path, ...]
    skipped: tuple[Path, ...]


class ImageShape:
    """How images become inputs of one shape.

    Args:
        sample_shape: `(height, width, channels)`, with 1 channel or 3.
        source: Where the images are from, for messages.
    """

    def __init__(self, sample_shape: Sequence[int], *, source: object) -> None:
        if len(sample_shape) != 3 or sample_shape[-1] not in _MODES:
            raise ToolError(
                f"{source}: images fit an input of (height, width, 1 or 3), but the model's is "
                f"{tuple(sample_shape)}. Give the samples as an .npy file."
            )
        self.height, self.width, self.channels = sample_shape

    def pixels(self, image: "Image.Image") -> FloatArray:
        """An image of any size and mode as `(height, width, channels)` from 0 to 255."""
        from PIL.Image import Resampling

        converted = eight_bits(image).convert(_MODES[self.channels])
        resized = converted.resize((self.width, self.height), Resampling.BILINEAR)
        return np.asarray(resized, np.float32).reshape(self.height, self.width, self.channels)


def load_images(
    folder: Path,
    sample_shape: Sequence[int],
    *,
    limit: int | None,
    preprocessing: str,
    skip_unreadable: bool = False,
) -> FolderImages:
    """Reads the images under a folder, resized to the model's input and preprocessed.

    Args:
        folder: Searched with all its sub-folders, in the order of the names.
        sample_shape: `(height, width, channels)`, with 1 channel or 3.
        limit: At most so many images, evenly spread over the folder.
        preprocessing: One of `preprocessing.PREPROCESSING`.
        skip_unreadable: Whether to leave out images that cannot be read, which is an error
            otherwise.
    """
    shape = ImageShape(sample_shape, source=folder)
    normalize = normalization(preprocessing, shape.channels)
    found = image_files(folder)
    if not found:
        raise ToolError(f"{folder}: expected images ({', '.join(SUFFIXES)}), found none.")
    pixels: dict[Path, FloatArray] = {}
    failures: dict[Path, str] = {}
    with silenced():  # Pillow warns about palettes and large images
        for file in (found[position] for position in spread(len(found), limit)):
            try:
                pixels[file] = _load(file, shape)
            # Pillow raises OSError, SyntaxError, struct.error and others, by image format.
            except Exception as error:
                failures[file] = _first_line(error)
    if failures and not (skip_unreadable and pixels):
        _refuse_unreadable(folder, failures, read=len(pixels))
    images = normalize(np.stack(list(pixels.values())))
    return FolderImages(images, tuple(pixels), tuple(failures))


def image_files(folder: Path) -> list[Path]:
    """The images under a folder, by name; what begins with a dot is the system's."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def _load(file: Path, shape: ImageShape) -> FloatArray:
    from PIL import Image

    # Read whole: Pillow would name its own file object in what it raises.
    with Image.open(io.BytesIO(file.read_bytes())) as image:
        return shape.pixels(image)


def _refuse_unreadable(folder: Path, failures: dict[Path, str], *, read: int) -> None:
    named = [f"{file} ({reason})" for file, reason in list(failures.items())[:_NAMED_AT_MOST]]
    more = len(failures) - len(named)
    advice = (
        "Remove or replace them, or leave them out with skip_unreadable=True (--skip-unreadable)"
        if read
        else "None is left to use"
    )
    raise ToolError(
        f"{folder}: expected images, but {len(failures)} of {len(failures) + read} cannot be read: "
        f"{', '.join(named)}{f' and {more} more' if more else ''}. {advice}."
    )


def _first_line(error: Exception) -> str:
    text = next(iter(str(error).splitlines()), "") or type(error).__name__
    # Where the image was held in memory is of no use to anybody.
    return "no image format is recognised" if "cannot identify image file" in text else text
