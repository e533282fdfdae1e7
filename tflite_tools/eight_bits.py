"""Images of more than 8 bits a sample, which Pillow would cut off at 255."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_OF_16_BITS = "I;16"  # the same, with an ending, for another byte order
_OF_UNKNOWN_RANGE = ("I", "F")


def eight_bits(image: "Image.Image") -> "Image.Image":
    """Returns an image with 8 bits a sample: the upper ones of 16, or the image itself.

    Raises:
        ValueError: for 32-bit samples, whose range nothing tells.
    """
    from PIL import Image

    if image.mode in _OF_UNKNOWN_RANGE:
        raise ValueError(
            f"its pixels have 32 bits (mode {image.mode}) and no known range; save it with 8 or 16"
        )
    if not image.mode.startswith(_OF_16_BITS):
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
