"""Training with Keras' `fit`, one seed after the other, on any backend."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import keras
import numpy as np
from image_data import ImageData
from training import loss, padded

import keras_finet
from normalization_comparison.batches import PlannedBatches, epoch_plan
from normalization_comparison.networks import build, parameters
from normalization_comparison.optimizers import optimizer
from normalization_comparison.outcome import Outcome
from normalization_comparison.setting import Setting
from normalization_comparison.turns import Turns

TEST_BATCH = 500


def train(
    setting: Setting,
    variant: str,
    seeds: list[int],
    data: ImageData,
    turns: Turns,
    *,
    eagerly: bool = False,
) -> Iterator[list[Outcome]]:
    """Trains a variant from each seed.

    Args:
        setting: How.
        variant: A key of `VARIANTS`.
        seeds: Of the runs.
        data: What `setting` was made for.
        turns: Training waits for them.
        eagerly: Skips the compilation of the step, which costs more than a few steps do.

    Yields:
        What came of each seed.
    """
    classes = len(data.class_names)
    train_set, test_set = (
        (keras_finet.preprocess_input(images.astype("float32")), _one_hot(labels, classes))
        for images, labels in (
            (padded(data.train_images, setting.shift), data.train_labels),
            (data.test_images, data.test_labels),
        )
    )
    for seed in seeds:
        with turns.turn():
            model = build(setting, variant, classes, seed)
            model.compile(
                optimizer=optimizer(setting, variant, model),
                loss=loss(),
                metrics=["accuracy"],
                # With TensorFlow XLA takes four times as long on a CPU; JAX is nothing without.
                jit_compile=keras.backend.backend() == "jax",
                run_eagerly=eagerly,
            )
            outcome = _trained(model, setting, seed, train_set, test_set)
        yield [outcome]


def _trained(
    model: keras.Model,
    setting: Setting,
    seed: int,
    train_set: tuple[np.ndarray, np.ndarray],
    test_set: tuple[np.ndarray, np.ndarray],
) -> Outcome:
    losses, top1, seconds = [], [], []
    for epoch in range(setting.epochs):
        batches = PlannedBatches(*train_set, epoch_plan(setting, seed, epoch))
        started = time.perf_counter()
        # In the order that was planned.
        history = model.fit(batches, shuffle=False, verbose=0).history
        seconds.append(time.perf_counter() - started)
        losses.append(float(history["loss"][0]))
        _, accuracy = model.evaluate(*test_set, batch_size=TEST_BATCH, verbose=0)
        top1.append(float(accuracy))
    # The first epoch holds the compilation.
    typical = statistics.median(seconds[1:] or seconds)
    return Outcome(
        seed=seed,
        parameters=parameters(model),
        loss=losses,
        top1=top1,
        images_per_second=setting.steps_per_epoch * setting.batch / typical,
    )


def _one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return keras.utils.to_categorical(labels, classes)
