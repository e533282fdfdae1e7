"""The data set: how many images, of which fonts, from which random numbers."""

from __future__ import annotations

import numpy as np
from image_data import ImageData

from character_images.drawing import SIDE, draw_images
from character_images.fonts import CHARACTERS, TEST_FONTS, TRAIN_FONTS, font_files
from character_images.glyphs import draw_glyphs

BATCH = 1000
TRAIN, TEST = 0, 1  # no random number is used on both sides


def load_characters(
    train_images: int = 30_000, test_images: int = 10_000, seed: int = 0
) -> ImageData:
    """Draws images of letters and digits: about 4,000 in a second.

    Characters that look alike (0 and O; l, I and 1) stay apart as classes: nobody finds all labels.
    The same arguments give the same images with the same versions of Matplotlib, Pillow and NumPy.

    Args:
        train_images: How many, of the typefaces in `TRAIN_FONTS`.
        test_images: How many, of those in `TEST_FONTS`, which share no typeface with the others.
        seed: Of the random numbers. Those of the two sides are independent.

    Returns:
        The images, and as class names the characters.
    """
    train = _draw(TRAIN_FONTS, train_images, (seed, TRAIN))
    test = _draw(TEST_FONTS, test_images, (seed, TEST))
    return ImageData("characters of Matplotlib's fonts", list(CHARACTERS), *train, *test)


def _draw(
    fonts: tuple[str, ...], count: int, seeds: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Draws as many images of each character as of any other, or one more, in random order."""
    glyphs = draw_glyphs(font_files(fonts))
    rng = np.random.default_rng(seeds)
    labels = rng.permutation(np.arange(count) % len(CHARACTERS))
    font = rng.integers(0, len(fonts), count)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        images[part] = draw_images(glyphs[font[part], labels[part]], rng)
    return images, labels
