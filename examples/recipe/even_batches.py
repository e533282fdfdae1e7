"""Batches to evaluate on that replicas can share, with the figures of the images alone."""

from __future__ import annotations

from typing import Any


def evenly_batched(batches: Any, batch_size: int, images: int) -> Any:
    """Fills up the last batch with black images of no weight.

    Args:
        batches: A `tf.data.Dataset` of (images, labels), of which only the last may be smaller.
        batch_size: Of all others.
        images: Number of images in all batches.

    Returns:
        A `tf.data.Dataset` of (images, labels, weights). Over the whole data set, the filling
        included, the weights have the mean 1, so that a loss that is averaged over it is the mean
        over the images.
    """
    import tensorflow as tf

    whole = -(-images // batch_size) * batch_size

    def fill(pixels: Any, labels: Any) -> tuple[Any, ...]:
        weights = tf.fill(tf.shape(labels)[:1], whole / images)
        return tuple(_padded(part, batch_size) for part in (pixels, labels, weights))

    return batches.map(fill)


def _padded(tensor: Any, length: int) -> Any:
    import tensorflow as tf

    missing = [[0, length - tf.shape(tensor)[0]]] + [[0, 0]] * (tensor.shape.rank - 1)
    return tf.ensure_shape(tf.pad(tensor, missing), (length, *tensor.shape[1:]))
