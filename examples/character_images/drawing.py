"""Masks of characters made into images: placed at random on a texture, with noise and occlusion.

Everything is computed for a whole batch at once.
"""

from __future__ import annotations

import numpy as np

from character_images.glyphs import SCALE

SIDE = 32  # of an image
ROTATION = np.pi / 15
SHEAR = 0.15
SCALES = (0.95, 1.2)
STRETCH = 0.12
SHIFT = 2.0  # pixels
CONTRAST = 120.0  # least difference in brightness between a character and its background
TEXTURE = 20.0  # largest deviation of the background from its colour
NOISE = 8.0  # largest standard deviation
OCCLUDED = 0.25  # share of the images
BAR = ((2, 6), (8, 24))  # thickness and length of what occludes, in pixels
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def draw_images(masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns an image of each mask.

    Args:
        masks: Coverages from 0 to 1, `(n, side, side)`, `SCALE` pixels for one of the images.
        rng: Where all randomness comes from.

    Returns:
        Images, `(n, SIDE, SIDE, 3)`, uint8.
    """
    count = len(masks)
    coverage = _transformed(masks, rng)[..., None]
    background = rng.uniform(0, 255, (count, 1, 1, 3)).astype(np.float32)
    ink = _contrasting(background, rng)
    images = background + _texture(count, rng)
    images += coverage * (ink - images)
    _occlude(images, rng)
    deviation = rng.uniform(0, NOISE, (count, 1, 1, 1)).astype(np.float32)
    images += deviation * rng.standard_normal(images.shape, np.float32)
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def _transformed(masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotates, shears, scales and shifts masks, with bilinear interpolation."""
    count, side = masks.shape[:2]
    angle = rng.uniform(-ROTATION, ROTATION, count)
    shear = rng.uniform(-SHEAR, SHEAR, count)
    scale = rng.uniform(*SCALES, count)
    stretch = rng.uniform(1 - STRETCH, 1 + STRETCH, count)
    shift = rng.uniform(-SHIFT, SHIFT, (2, count, 1, 1))
    # From the image's pixels back to the mask's: the inverse of what happens to the character.
    sine, cosine = np.sin(angle) / scale, np.cos(angle) / scale
    to_x = [stretch * (cosine - shear * sine), stretch * (sine + shear * cosine)]
    to_y = [-sine / stretch, cosine / stretch]
    axis = np.arange(SIDE) - (SIDE - 1) / 2
    x, y = axis[None, None, :] - shift[0], axis[None, :, None] - shift[1]
    middle = (side - 1) / 2
    columns = middle + SCALE * (to_x[0][:, None, None] * x + to_x[1][:, None, None] * y)
    rows = middle + SCALE * (to_y[0][:, None, None] * x + to_y[1][:, None, None] * y)
    return _interpolated(masks, np.clip(rows, 0, side - 1.001), np.clip(columns, 0, side - 1.001))


def _interpolated(masks: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    count, side = masks.shape[:2]
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down = (rows - top).astype(np.float32)
    right = (columns - left).astype(np.float32)
    flat = masks.reshape(-1)
    corner = (np.arange(count, dtype=np.int32)[:, None, None] * side + top) * side + left
    upper = flat[corner] * (1 - right) + flat[corner + 1] * right
    lower = flat[corner + side] * (1 - right) + flat[corner + side + 1] * right
    return upper * (1 - down) + lower * down


def _contrasting(background: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours whose brightness differs by `CONTRAST` or more from the backgrounds'."""
    colors = rng.uniform(0, 255, background.shape).astype(np.float32)
    brightness = (background * LUMINANCE).sum(-1, keepdims=True)
    own = (colors * LUMINANCE).sum(-1, keepdims=True)
    # A mixture with white or black, whichever is farther away, just as far as needed.
    far = np.where(brightness < 127.5, 255, 0).astype(np.float32)
    wanted = brightness + np.sign(far - brightness) * CONTRAST
    share = np.clip((wanted - own) / np.where(far == own, 1, far - own), 0, 1)
    near = np.abs(own - brightness) < CONTRAST
    return np.where(near, colors + share * (far - colors), colors)


def _texture(count: int, rng: np.random.Generator) -> np.ndarray:
    """Coloured noise on two scales, `(count, SIDE, SIDE, 3)`."""
    strength = rng.uniform(0, TEXTURE, (2, count, 1, 1, 1)).astype(np.float32)
    coarse = _enlarged(rng.uniform(-1, 1, (count, 4, 4, 3)).astype(np.float32))
    fine = _enlarged(rng.uniform(-1, 1, (count, 12, 12, 3)).astype(np.float32))
    return strength[0] * coarse + strength[1] * fine


def _enlarged(grids: np.ndarray) -> np.ndarray:
    """Grids brought to the images' size with linear interpolation along both axes."""
    points = grids.shape[1]
    position = np.linspace(0, points - 1.001, SIDE)
    first = position.astype(int)
    weight = (position - first).astype(np.float32)
    wide = weight[:, None]
    grids = grids[:, :, first] * (1 - wide) + grids[:, :, first + 1] * wide
    tall = weight[:, None, None]
    return grids[:, first] * (1 - tall) + grids[:, first + 1] * tall


def _occlude(images: np.ndarray, rng: np.random.Generator) -> None:
    """Covers a part of some images with a bar of one colour, in place."""
    count = len(images)
    sizes = np.stack([rng.integers(low, high + 1, count) for low, high in BAR])
    height, width = np.where(rng.random(count) < 0.5, sizes, sizes[::-1])
    top, left = (rng.integers(0, SIDE - side + 1) for side in (height, width))
    axis = np.arange(SIDE)
    rows = (axis >= top[:, None]) & (axis < (top + height)[:, None])
    columns = (axis >= left[:, None]) & (axis < (left + width)[:, None])
    covered = rows[:, :, None] & columns[:, None, :]
    covered &= (rng.random(count) < OCCLUDED)[:, None, None]
    colors = rng.uniform(0, 255, (count, 1, 1, 3)).astype(np.float32)
    np.copyto(images, colors, where=covered[..., None])
