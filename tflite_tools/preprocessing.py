"""How pixels become what a model was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.samples import FloatArray

# ImageNet's channel means and standard deviations for pixels from 0 to 1, in the order R, G, B:
# https://github.com/keras-team/keras, keras/src/applications/imagenet_utils.py, mode "torch".
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_BRIGHTEST = 255.0

# Mean and standard deviation in units of pixels from 0 to 255, for any number of channels.
_SAME_FOR_ALL = {"tf": (127.5, 127.5), "unit": (0.0, _BRIGHTEST), "none": (0.0, 1.0)}

PREPROCESSING = ("torch", *_SAME_FOR_ALL)


@dataclass(frozen=True)
class Normalization:
    """A mean and a standard deviation for each channel: `x = (pixels - mean) / std`.

    Attributes:
        name: One of `PREPROCESSING`.
        mean: By channel, in units of pixels from 0 to 255.
        std: By channel, in the same units.
    """

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def scale(self) -> tuple[float, ...]:
        """By channel, in `x = pixels * scale + offset`."""
        return tuple(1 / std for std in self.std)

    @property
    def offset(self) -> tuple[float, ...]:
        """By channel, in `x = pixels * scale + offset`."""
        return tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))

    def __call__(self, pixels: FloatArray) -> FloatArray:
        """Normalizes pixels from 0 to 255 whose last axis holds the channels."""
        centred = np.subtract(pixels, np.asarray(self.mean, np.float32), dtype=np.float32)
        centred /= np.asarray(self.std, np.float32)
        return centred


def check_preprocessing(name: object) -> None:
    """Refuses what is no name of a normalization."""
    if name not in PREPROCESSING:
        raise ToolError(f"preprocessing: expected one of {', '.join(PREPROCESSING)}, got {name}.")


def normalization(name: str, channels: int) -> Normalization:
    """What a name means for images of so many channels.

    Args:
        name: "torch" (as `keras_finet.preprocess_input`), "tf" (-1 to 1), "unit" (0 to 1) or
            "none" (0 to 255).
        channels: How many channels the images have; "torch" is for 3 only.
    """
    check_preprocessing(name)
    if name in _SAME_FOR_ALL:
        mean, std = _SAME_FOR_ALL[name]
        return Normalization(name, (mean,) * channels, (std,) * channels)
    if channels != len(_IMAGENET_MEAN):
        raise ToolError(
            f"preprocessing: torch is for RGB images, but the model takes {channels} channel(s). "
            f"Choose one of {', '.join(_SAME_FOR_ALL)}."
        )
    return Normalization(name, _in_pixels(_IMAGENET_MEAN), _in_pixels(_IMAGENET_STD))


def is_image_shape(shape: Sequence[int | None]) -> bool:
    """Whether a sample of this shape can be an image: (height, width, 1 or 3)."""
    return len(shape) == 3 and shape[-1] in (1, len(_IMAGENET_MEAN))


def _in_pixels(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(_BRIGHTEST * value for value in values)
