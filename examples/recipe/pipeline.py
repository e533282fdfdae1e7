"""Batches for training and evaluation, as `tf.data.Dataset`s.

The images of a step depend on the recipe's seed, the epoch and the step, and on nothing else: a run
that is taken up in the middle of an epoch sees what it would have seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from command_line import InputError

from recipe import augmentation
from recipe.settings import Recipe
from recipe.shares import WHOLE, Share
from recipe.sources import Source
from tflite_tools.preprocessing import Normalization, normalization

# Of the training images of TFDS' data sets, for pixels from 0 to 1, by channel. All other data are
# normalised by ImageNet's, as `keras_finet.preprocess_input` does.
CIFAR_STATISTICS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}
AUGMENTATIONS = {
    "random_resized_crop": augmentation.random_resized_crop,
    "pad_and_crop": augmentation.pad_and_crop,
    "shift_and_cut_out": augmentation.shift_and_cut_out,
}
EVALUATIONS = {
    "random_resized_crop": augmentation.resize_and_center_crop,
    "pad_and_crop": augmentation.whole_image,
    "shift_and_cut_out": augmentation.whole_image,
}
CORES = os.cpu_count() or 1
PREFETCHED = 2  # batches


def steps_per_epoch(source: Source, recipe: Recipe) -> int:
    """Number of whole batches in the training images."""
    steps = source.train_size // recipe.batch_size
    if steps == 0:
        raise InputError(
            f"batch size: expected at most the {source.train_size} training images of "
            f"{source.name}, got {recipe.batch_size}."
        )
    return steps


def training_batches(
    source: Source, recipe: Recipe, epoch: int, first_step: int = 0, share: Share = WHOLE
) -> Any:
    """The batches of an epoch from a step on.

    Args:
        source: The images.
        recipe: Batch size, augmentation and seed.
        epoch: Counted from 0.
        first_step: The first step that is wanted, counted from 0.
        share: The part of each batch that is wanted; nothing else is decoded.

    Returns:
        A `tf.data.Dataset` of images, `(share of batch_size, size, size, 3)` float32, and one-hot
        labels, `(share of batch_size, classes)` float32.
    """
    steps = steps_per_epoch(source, recipe)
    order_seed, image_seed = _seeds(recipe.seed, epoch)
    augment = AUGMENTATIONS[recipe.augmentation]
    finish = _finishing(source, recipe)
    first = first_step * recipe.batch_size

    def example(index: Any, record: Any) -> Any:
        encoded, label = record
        seed = tf.stack([tf.constant(image_seed, tf.int64), index])
        return finish(augment(encoded, seed, recipe.image_size), label)

    numbered = source.training_records(order_seed, skip=first).enumerate(start=first)
    batches = (
        share.of(numbered.take((steps - first_step) * recipe.batch_size), recipe.batch_size)
        .map(example, num_parallel_calls=CORES, deterministic=True)
        .batch(share.size(recipe.batch_size), drop_remainder=True)
        .apply(tf.data.experimental.assert_cardinality(steps - first_step))
    )
    return _prefetched(batches)


def evaluation_batches(source: Source, recipe: Recipe, share: Share = WHOLE) -> Any:
    """All images to evaluate on, or a share of each batch of them; the last may be smaller."""
    view = EVALUATIONS[recipe.augmentation]
    finish = _finishing(source, recipe)

    def example(_: Any, record: Any) -> Any:
        encoded, label = record
        return finish(view(encoded, recipe.image_size), label)

    batches = (
        share.of(source.evaluation_records().enumerate(), recipe.batch_size)
        .map(example, num_parallel_calls=CORES, deterministic=True)
        .batch(share.size(recipe.batch_size))
    )
    return _prefetched(batches)


def pixel_normalization(source: Source, recipe: Recipe) -> Normalization:
    """The normalisation that makes every channel's mean 0 and its standard deviation 1."""
    of_imagenet = normalization("torch", augmentation.CHANNELS)
    if recipe.pixels is not None:
        known = recipe.pixels == (of_imagenet.mean, of_imagenet.std)
        return of_imagenet if known else Normalization("own", *recipe.pixels)
    is_tfds = source.version is not None
    statistics = CIFAR_STATISTICS.get(source.name.split(":")[0]) if is_tfds else None
    if statistics is None:
        return of_imagenet
    mean, std = (tuple(255 * value for value in values) for values in statistics)
    return Normalization(source.name, mean, std)


def _finishing(source: Source, recipe: Recipe) -> Callable[[Any, Any], tuple[Any, Any]]:
    classes = len(source.class_names)
    chosen = pixel_normalization(source, recipe)
    mean, std = tf.constant(chosen.mean), tf.constant(chosen.std)
    return lambda image, label: ((image - mean) / std, tf.one_hot(label, classes))


def _seeds(seed: int, epoch: int) -> tuple[int, int]:
    """Two seeds of an epoch, for the order of the images and for what is drawn for each."""
    order, image = np.random.SeedSequence([seed, epoch]).generate_state(2)
    return int(order), int(image)


def _prefetched(batches: Any) -> Any:
    options = tf.data.Options()
    options.deterministic = True
    # TensorFlow 2.21's `fit` waits at the end of an epoch until the tuner looks again, which it
    # does every 10 ms · 2^n: up to as long as the epoch took.
    options.autotune.enabled = False
    return batches.with_options(options).prefetch(PREFETCHED)
