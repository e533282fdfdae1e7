"""Batches to evaluate on that replicas can share, with the figures of the images alone."""

from __future__ import annotations

from typing import Any

from recipe.shares import WHOLE, Share


def evenly_batched(batches: Any, batch_size: int, images: int, share: Share = WHOLE) -> Any:
    """Fills up the last batch with black images of no weight.

    Args:
        batches: A `tf.data.Dataset` of (images, labels): the share of each batch, of which the last
            may be smaller, or missing.
        batch_size: Of the batches of all processes together.
        images: Number of images in all batches of all processes.
        share: The part of each batch that this process has.

    Returns:
        A `tf.data.Dataset` of (images, labels, weights). Over the whole data set, the filling
        included, the weights have the mean 1, so that a loss that is averaged over it is the mean
        over the images.
    """
    import tensorflow as tf

    steps = -(-images // batch_size)
    length = share.size(batch_size)
    weight = steps * batch_size / images

    def fill(pixels: Any, labels: Any) -> tuple[Any, ...]:
        weights = tf.fill(tf.shape(labels)[:1], weight)
        return tuple(_padded(part, length) for part in (pixels, labels, weights))

    return endless(batches.map(fill)).take(steps)


def endless(batches: Any) -> Any:
    """Batches of one shape, followed by zeros without end."""
    import tensorflow as tf

    empty = tuple(tf.zeros(part.shape, part.dtype) for part in batches.element_spec)
    return batches.concatenate(tf.data.Dataset.from_tensors(empty).repeat())


def _padded(tensor: Any, length: int) -> Any:
    import tensorflow as tf

    missing = [[0, length - tf.shape(tensor)[0]]] + [[0, 0]] * (tensor.shape.rank - 1)
    return tf.ensure_shape(tf.pad(tensor, missing), (length, *tensor.shape[1:]))
