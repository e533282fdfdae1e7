"""Every character of every font as a mask, drawn once at twice the size of the images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from character_images.fonts import CHARACTERS

SCALE = 2  # pixels of a mask for one of an image
SIDE = 80
EM = 24 * SCALE
# Capitals stand in the middle, and all characters on one line: how high one reaches tells c from C.
BASELINE = SIDE // 2 + round(0.35 * EM)


def draw_glyphs(fonts: list[Path]) -> np.ndarray:
    """Returns coverages from 0 to 1, `(fonts, characters, SIDE, SIDE)`, float32."""
    return np.stack([[_mask(font, character) for character in CHARACTERS] for font in _open(fonts)])


def _open(fonts: list[Path]) -> list[ImageFont.FreeTypeFont]:
    layout = ImageFont.Layout.BASIC  # the other one depends on what else is installed
    return [ImageFont.truetype(str(font), EM, layout_engine=layout) for font in fonts]


def _mask(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray:
    image = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(image).text((SIDE / 2, BASELINE), character, fill=255, font=font, anchor="ms")
    mask = np.asarray(image, np.float32) / 255
    # Images take every second pixel or so: what is finer than that has to go first.
    return (mask + np.roll(mask, 1, 0) + np.roll(mask, 1, 1) + np.roll(mask, (1, 1), (0, 1))) / 4
