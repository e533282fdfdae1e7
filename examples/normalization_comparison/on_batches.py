"""Training batch by batch, one seed after the other, on any backend.

Not by Keras' `fit`: TensorFlow 2.21 may go on waiting when an epoch is over, for the tuner of the
input pipeline, which looks every 10 ms · 2^n. Then every epoch seems to take 20.5 or 41 seconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

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
    losses, top1, seconds, peaks = [], [], [], []
    for epoch in range(setting.epochs):
        batches = PlannedBatches(*train_set, epoch_plan(setting, seed, epoch), setting.image_size)
        epoch_of = _Epoch(model, batches)
        started = time.perf_counter()
        peaks.append(_peak_mib(epoch_of))
        seconds.append(time.perf_counter() - started)
        losses.append(float(np.mean(epoch_of.losses)))
        top1.append(_top1(model, *test_set))
    # The first epoch holds the compilation.
    typical = statistics.median(seconds[1:] or seconds)
    return Outcome(
        seed=seed,
        parameters=parameters(model),
        loss=losses,
        top1=top1,
        images_per_second=setting.steps_per_epoch * setting.batch / typical,
        step_mib=peaks[-1],
    )


class _Epoch:
    """Calling it trains on all batches, in their order, and notes the loss of each step."""

    def __init__(self, model: keras.Model, batches: PlannedBatches) -> None:
        self.losses: list[float] = []
        self._model = model
        self._batches = batches

    def __call__(self) -> None:
        for step in range(len(self._batches)):
            self.losses.append(float(self._model.train_on_batch(*self._batches[step])))


def _top1(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    starts = range(0, len(images), TEST_BATCH)
    scores = [model.predict_on_batch(images[start : start + TEST_BATCH]) for start in starts]
    return float(np.mean(np.argmax(np.concatenate(scores), -1) == np.argmax(labels, -1)))


def _peak_mib(train_epoch: Callable[[], object]) -> float | None:
    """Trains, and returns the memory beside weights and optimizer; None if nobody counts it."""
    # Only now: it imports the framework.
    from training_cost.framework import framework

    peak = framework().allocated_peak_bytes(train_epoch)
    if peak is None:
        train_epoch()
        return None
    return peak / 2**20


def _one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return keras.utils.to_categorical(labels, classes)
