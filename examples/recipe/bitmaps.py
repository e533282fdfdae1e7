"""Bitmaps (.bmp) that TensorFlow decodes to something else without a word.

It takes the numbers of a palette's colours for shades of grey, and compressed pixels for pixels.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

MAGIC = b"BM"
# Places in the file and sizes, in bytes.
PALETTE_BEFORE = 14  # and behind a second header, whose size stands in the first place after it
HEADER_SIZE = (14, 4)
BITS = (28, 2)
COMPRESSION = (30, 4)
COLORS = (46, 4)
MASKS = 3  # the "compression" that only says which bits are which color

Tensor = Any


def check_bitmap(encoded: Tensor) -> Tensor:
    """Refuses a palette other than that of all greys, and compressed pixels.

    Args:
        encoded: The content of a file of any format.

    Returns:
        What the check has to be run with.
    """
    is_bitmap = tf.strings.substr(encoded, 0, len(MAGIC)) == MAGIC
    return tf.cond(is_bitmap, lambda: _checked(encoded), lambda: tf.constant(True))


def _checked(encoded: Tensor) -> Tensor:
    compression = _number(encoded, *COMPRESSION)
    is_plain = (compression == 0) | (compression == MASKS)
    has_palette = _number(encoded, *BITS) <= 8
    is_grey = tf.cond(has_palette, lambda: _is_grey(encoded), lambda: tf.constant(True))
    message = "a bitmap with a palette of colors, or compressed"
    with tf.control_dependencies([tf.debugging.Assert(is_plain & is_grey, [message])]):
        return tf.constant(True)


def _is_grey(encoded: Tensor) -> Tensor:
    """Whether the color of every number is the grey of that number."""
    colors = _number(encoded, *COLORS)
    colors = tf.where(colors == 0, 256, colors)
    start = PALETTE_BEFORE + _number(encoded, *HEADER_SIZE)
    palette = tf.io.decode_raw(tf.strings.substr(encoded, start, 4 * colors), tf.uint8)
    greys = tf.repeat(tf.range(colors)[:, None], 3, axis=1)
    return tf.reduce_all(tf.cast(tf.reshape(palette, (-1, 4))[:, :3], tf.int32) == greys)


def _number(encoded: Tensor, start: int, size: int) -> Tensor:
    digits = tf.io.decode_raw(tf.strings.substr(encoded, start, size), tf.uint8)
    return tf.reduce_sum(tf.cast(digits, tf.int32) * 256 ** tf.range(size))
