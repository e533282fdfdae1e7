"""Training on JAX: several seeds of a variant in one compiled program.

A network for images of 32×32 is too small for a GPU, whose time goes into starting kernels. Here
weights and optimizer states of several seeds are stacked, and Keras' stateless API is mapped over
them: each seed gets what `fit` would make of it, up to rounding, and the step is compiled once. On
an H100 five seeds of FinetSmall at once trained five times as many images a second as one.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Iterator
from typing import Any

import jax
import keras
import numpy as np
from image_data import ImageData
from jax import numpy as jnp
from training import loss, padded

import keras_finet
from normalization_comparison.batches import epoch_plan
from normalization_comparison.networks import build, parameters
from normalization_comparison.optimizers import optimizer
from normalization_comparison.outcome import Outcome
from normalization_comparison.setting import Setting
from normalization_comparison.turns import Turns

TEST_BATCH = 620
NO_LABEL = -1
# The values of the trainable variables, of the others, and of those of the optimizer.
State = tuple[list[Any], list[Any], list[Any]]


def train(
    setting: Setting,
    variant: str,
    seeds: list[int],
    data: ImageData,
    turns: Turns,
    at_once: int | None = None,
) -> Iterator[list[Outcome]]:
    """Trains a variant from each seed, `at_once` of them together.

    Args:
        setting: How.
        variant: A key of `VARIANTS`.
        seeds: Of the runs.
        data: What `setting` was made for.
        turns: Training waits for them; compilation does not.
        at_once: How many seeds share a program. By default all on a GPU; on a CPU one, as its
            convolutions get slower by it.

    Yields:
        What came of the seeds of each program.
    """
    at_once = at_once or (len(seeds) if jax.default_backend() == "gpu" else 1)
    program = None
    for start in range(0, len(seeds), at_once):
        together = seeds[start : start + at_once]
        if program is None or program.count != len(together):
            program = Program(setting, variant, len(together), data)
        with turns.turn():
            outcomes = program.train(together)
        yield outcomes


class Program:
    """The compiled steps of one variant for a number of seeds.

    Args:
        setting: How to train.
        variant: A key of `VARIANTS`.
        count: How many seeds are trained together.
        data: What `setting` was made for.
    """

    def __init__(self, setting: Setting, variant: str, count: int, data: ImageData) -> None:
        self.setting = setting
        self.variant = variant
        self.count = count
        self.classes = len(data.class_names)
        self.images = jnp.asarray(padded(data.train_images, setting.shift))
        self.labels = jnp.asarray(data.train_labels, "int32")
        self.test_batches = _test_batches(data)
        self.test_count = len(data.test_labels)
        self.model = self._build(0)
        self.optimizer = optimizer(setting, variant, self.model)
        self.optimizer.build(self.model.trainable_variables)
        self.loss = loss()

        state = self._first_state([0] * count)
        chosen, corners = _first_step(self._plan([0] * count, 0))
        step = jax.jit(jax.vmap(self._step, (0, None, None, 0, 0)), donate_argnums=0)
        self.step = step.lower(state, self.images, self.labels, chosen, corners).compile()
        hits = jax.jit(jax.vmap(self._hits, (0, None, None)))
        self.hits = hits.lower(state, *self.test_batches[0]).compile()

    def train(self, seeds: list[int]) -> list[Outcome]:
        """Trains from `count` seeds."""
        state = self._first_state(seeds)
        losses, top1, seconds = [], [], []
        for epoch in range(self.setting.epochs):
            chosen, corners = self._plan(seeds, epoch)
            jax.block_until_ready(state)
            started = time.perf_counter()
            of_steps = []
            for number in range(self.setting.steps_per_epoch):
                state, of_step = self.step(
                    state, self.images, self.labels, chosen[:, number], corners[:, number]
                )
                of_steps.append(of_step)
            losses.append(np.mean(jax.device_get(of_steps), axis=0))
            seconds.append(time.perf_counter() - started)
            hits = [self.hits(state, *batch) for batch in self.test_batches]
            top1.append(np.sum(jax.device_get(hits), axis=0) / self.test_count)
        trained = self.count * self.setting.steps_per_epoch * self.setting.batch
        return [
            Outcome(
                seed=seed,
                parameters=parameters(self.model),
                loss=np.stack(losses)[:, index].tolist(),
                top1=np.stack(top1)[:, index].tolist(),
                images_per_second=trained / statistics.median(seconds),
                step_mib=self._step_mib(),
                at_once=self.count,
            )
            for index, seed in enumerate(seeds)
        ]

    def _build(self, seed: int) -> keras.Model:
        return build(self.setting, self.variant, self.classes, seed)

    def _first_state(self, seeds: list[int]) -> State:
        """The initial weights of each seed, stacked, and an optimizer that has done nothing."""
        models = [self._build(seed) for seed in seeds]
        kinds = ("trainable_variables", "non_trainable_variables")
        trainable, fixed = (
            [
                jnp.stack([variable.value for variable in same])
                for same in zip(*(getattr(model, kind) for model in models), strict=True)
            ]
            for kind in kinds
        )
        fresh = [jnp.stack([variable.value] * self.count) for variable in self.optimizer.variables]
        return trainable, fixed, fresh

    def _plan(self, seeds: list[int], epoch: int) -> tuple[np.ndarray, np.ndarray]:
        plans = [epoch_plan(self.setting, seed, epoch) for seed in seeds]
        chosen, corners = (np.stack(parts).astype("int32") for parts in zip(*plans, strict=True))
        return chosen, corners

    def _step(
        self, state: State, images: Any, labels: Any, chosen: Any, corners: Any
    ) -> tuple[State, Any]:
        """One step of one seed: the new state, and the loss."""
        trainable, fixed, of_optimizer = state
        cut = functools.partial(_cut, size=self.setting.image_size)
        batch = _preprocessed(jax.vmap(cut, (None, 0, 0))(images, chosen, corners))
        targets = jax.nn.one_hot(labels[chosen], self.classes)

        def loss(trainable: list[Any]) -> tuple[Any, list[Any]]:
            outputs, changed, penalties = self.model.stateless_call(
                trainable, fixed, batch, training=True, return_losses=True
            )
            return self.loss(targets, outputs) + sum(penalties), changed

        (value, fixed), gradients = jax.value_and_grad(loss, has_aux=True)(trainable)
        trainable, of_optimizer = self.optimizer.stateless_apply(of_optimizer, gradients, trainable)
        return (trainable, fixed, of_optimizer), value

    def _hits(self, state: State, images: Any, labels: Any) -> Any:
        """How many images of a batch one seed's network finds the label of."""
        trainable, fixed, _ = state
        outputs, _ = self.model.stateless_call(
            trainable, fixed, _preprocessed(images), training=False
        )
        return jnp.sum(jnp.argmax(outputs, -1) == labels)

    def _step_mib(self) -> float | None:
        """Memory of the step for one seed, beside weights and images, as XLA planned it."""
        planned = self.step.memory_analysis()
        return None if planned is None else planned.temp_size_in_bytes / self.count / 2**20


def _test_batches(data: ImageData) -> list[tuple[Any, Any]]:
    """Batches of one size: what the last one lacks is filled up with images of no label."""
    size = min(TEST_BATCH, len(data.test_labels))
    missing = -len(data.test_labels) % size
    images = np.concatenate([data.test_images, data.test_images[:missing]])
    labels = np.concatenate([data.test_labels, np.full(missing, NO_LABEL)]).astype("int32")
    starts = range(0, len(labels), size)
    return [
        (jnp.asarray(images[start : start + size]), jnp.asarray(labels[start : start + size]))
        for start in starts
    ]


def _first_step(plan: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    chosen, corners = plan
    return chosen[:, 0], corners[:, 0]


def _cut(images: Any, chosen: Any, corner: Any, size: int) -> Any:
    start = (chosen, corner[0], corner[1], 0)
    return jax.lax.dynamic_slice(images, start, (1, size, size, images.shape[-1]))[0]


def _preprocessed(images: Any) -> Any:
    return keras_finet.preprocess_input(images.astype("float32"))
