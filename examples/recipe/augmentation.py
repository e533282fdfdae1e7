"""What is done to an image before the network sees it, in TensorFlow operations.

Random numbers are drawn from a seed of the image's own, so that they depend on nothing else. Pixels
are from 0 to 255. Section 5.1 of the paper names PyTorch's ImageNet example as its procedure, and
describes it in the words of torchvision's documentation; where these leave something open, it is
done as torchvision does it.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

AREA = (0.08, 1.0)
ASPECT = (3 / 4, 4 / 3)
ATTEMPTS = 10
RESIZED_SHARE = 256 / 224  # of the shorter side of an image that is evaluated, to its crop
BORDER = 2  # 32 + 2 · 2 = 36 pixels
SHIFT = 4
CUT_OUT = 18
CHANNELS = 3

Tensor = Any


def decode(encoded: Tensor) -> Tensor:
    """A JPEG, PNG, BMP, WebP or GIF (its first frame) as `(height, width, 3)` uint8."""
    image = tf.io.decode_image(encoded, channels=CHANNELS, expand_animations=False)
    return tf.ensure_shape(image, (None, None, CHANNELS))


def random_resized_crop(encoded: Tensor, seed: Tensor, size: int) -> Tensor:
    """A random part of an image, flipped in half of the cases, as `(size, size, 3)` float32."""
    window_seed, flip_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: _decode_part_of_jpeg(encoded, window_seed),
        lambda: _part(decode(encoded), window_seed),
    )
    return random_flip(resize(image, (size, size)), flip_seed)


def pad_and_crop(encoded: Tensor, seed: Tensor, size: int) -> Tensor:
    """An image with a black border, cropped and flipped at random: `(size, size, 3)` float32."""
    return _shifted(encoded, seed, size, BORDER)


def shift_and_cut_out(encoded: Tensor, seed: Tensor, size: int) -> Tensor:
    """Shifted by up to four pixels and flipped, with a square of noise: `(size, size, 3)` float32.

    As in arXiv 1907.06916. The square has 18 pixels a side, lies inside the image and holds whole
    numbers from 0 to 255, drawn for each pixel and channel.
    """
    shift_seed, cut_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    return cut_out(_shifted(encoded, shift_seed, size, SHIFT), cut_seed, size)


def cut_out(image: Tensor, seed: Tensor, size: int) -> Tensor:
    """Puts noise in place of a random square of an image; of all of a smaller image."""
    place_seed, noise_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    side = min(CUT_OUT, size)
    top, left = tf.unstack(
        tf.random.stateless_uniform((2,), place_seed, 0, size - side + 1, tf.int32)
    )
    noise = tf.random.stateless_uniform((size, size, CHANNELS), noise_seed, 0, 256, tf.int32)
    rows, columns = (
        (tf.range(size) >= first) & (tf.range(size) < first + side) for first in (top, left)
    )
    inside = (rows[:, None] & columns)[..., None]
    return tf.where(inside, tf.cast(noise, image.dtype), image)


def _shifted(encoded: Tensor, seed: Tensor, size: int, border: int) -> Tensor:
    offset_seed, flip_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    image = resize(decode(encoded), (size, size))
    padded = tf.pad(image, [(border, border), (border, border), (0, 0)])
    top, left = tf.unstack(
        tf.random.stateless_uniform((2,), offset_seed, 0, 2 * border + 1, tf.int32)
    )
    part = tf.ensure_shape(padded[top : top + size, left : left + size], (size, size, CHANNELS))
    return random_flip(part, flip_seed)


def resize_and_center_crop(encoded: Tensor, size: int) -> Tensor:
    """The centre of an image whose shorter side is 256 for a crop of 224: float32."""
    image = decode(encoded)
    height, width = tf.unstack(tf.shape(image)[:2])
    shorter = round(size * RESIZED_SHARE)
    short = tf.minimum(height, width)
    height, width = shorter * height // short, shorter * width // short
    image = resize(image, (height, width))
    top, left = (
        tf.cast(tf.round(tf.cast(side - size, tf.float64) / 2), tf.int32)
        for side in (height, width)
    )
    return tf.ensure_shape(image[top : top + size, left : left + size], (size, size, CHANNELS))


def whole_image(encoded: Tensor, size: int) -> Tensor:
    """The image as it is, resized if it has another size: `(size, size, 3)` float32."""
    return resize(decode(encoded), (size, size))


def resize(image: Tensor, shape: tuple[Any, Any]) -> Tensor:
    """Resizes as Pillow does, by a triangle filter that widens with the reduction."""
    return tf.image.resize(image, shape, method="bilinear", antialias=True)


def random_flip(image: Tensor, seed: Tensor) -> Tensor:
    """Flips left and right in half of the cases."""
    flipped = tf.random.stateless_uniform((), seed) < 0.5
    return tf.cond(flipped, lambda: tf.reverse(image, [1]), lambda: image)


def crop_window(height: Tensor, width: Tensor, seed: Tensor) -> tuple[Tensor, ...]:
    """Draws the part of an image that is trained on: top, left, height and width in pixels.

    Its area is uniform in `AREA`, as a share of the image's; the logarithm of its aspect (width by
    height) is uniform in that of `ASPECT`. The first of `ATTEMPTS` that fits counts; if none does,
    the largest centred part within `ASPECT`.
    """
    shape_seed, place_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    drawn = tf.random.stateless_uniform((2, ATTEMPTS), shape_seed)
    image_height, image_width = (tf.cast(side, tf.float32) for side in (height, width))
    areas = image_height * image_width * (AREA[0] + drawn[0] * (AREA[1] - AREA[0]))
    low, high = (math.log(aspect) for aspect in ASPECT)
    aspects = tf.exp(low + drawn[1] * (high - low))
    widths = tf.cast(tf.round(tf.sqrt(areas * aspects)), tf.int32)
    heights = tf.cast(tf.round(tf.sqrt(areas / aspects)), tf.int32)
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = tf.argmax(fits, output_type=tf.int32)

    def placed() -> tuple[Tensor, ...]:
        places = tf.random.stateless_uniform((2,), place_seed, dtype=tf.float64)
        spare = tf.stack([height - heights[first], width - widths[first]])
        top, left = tf.unstack(tf.cast(tf.floor(places * tf.cast(spare + 1, tf.float64)), tf.int32))
        return top, left, heights[first], widths[first]

    return tf.cond(tf.reduce_any(fits), placed, lambda: _centred(height, width))


def _centred(height: Tensor, width: Tensor) -> tuple[Tensor, ...]:
    narrowest = tf.cast(tf.round(tf.cast(width, tf.float32) / ASPECT[0]), tf.int32)
    widest = tf.cast(tf.round(tf.cast(height, tf.float32) * ASPECT[1]), tf.int32)
    part_height, part_width = tf.minimum(height, narrowest), tf.minimum(width, widest)
    return (height - part_height) // 2, (width - part_width) // 2, part_height, part_width


def _decode_part_of_jpeg(encoded: Tensor, seed: Tensor) -> Tensor:
    """Decodes no more of the file than is needed."""
    height, width = tf.unstack(tf.io.extract_jpeg_shape(encoded)[:2])
    window = tf.stack(crop_window(height, width, seed))
    return tf.io.decode_and_crop_jpeg(encoded, window, channels=CHANNELS)


def _part(image: Tensor, seed: Tensor) -> Tensor:
    height, width = tf.unstack(tf.shape(image)[:2])
    top, left, part_height, part_width = crop_window(height, width, seed)
    return image[top : top + part_height, left : left + part_width]
