"""One training step of one model, as `fit` would take it."""

from __future__ import annotations

import gc
import statistics
from typing import Any

import keras
import numpy as np

from keras_finet import AdaptiveGradientClipping
from training_cost.framework import framework
from training_cost.memory import resident_peak_bytes

WARM_UP_STEPS = 2
MEMORY_REPEATS = 3
SEED = 0


class TrainingStep:
    """Calling it trains a model on the same batch once more and waits until that is done.

    The batch is on the device from the start: what is timed is the step, not the transfer.
    """

    def __init__(self, model: keras.Model, batch: int, *, clips_gradients: bool = False) -> None:
        self.model = model
        rng = np.random.default_rng(SEED)
        images = rng.normal(size=(batch, *model.input_shape[1:])).astype("float32")
        self.images = keras.ops.convert_to_tensor(images)
        labels = rng.integers(0, model.output_shape[-1], batch).astype("int32")
        self.labels = keras.ops.convert_to_tensor(labels)
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
        if clips_gradients:
            optimizer = AdaptiveGradientClipping.for_model(model, optimizer)
        model.compile(
            optimizer=optimizer,
            loss="sparse_categorical_crossentropy",
            jit_compile=framework().JIT_COMPILE,
        )

    def __call__(self) -> None:
        self.model.train_on_batch(self.images, self.labels)
        framework().synchronize(self.model)

    def warm_up(self) -> None:
        for _ in range(WARM_UP_STEPS):
            self()

    def peak_bytes(self) -> float | None:
        """The memory it needs beyond what is held already, once it has been warmed up.

        As the framework's allocator counts it, else as resident memory shows; None if neither can
        be had.
        """
        peaks = [self._peak_bytes() for _ in range(MEMORY_REPEATS)]
        known = [peak for peak in peaks if peak is not None]
        return statistics.median(known) if known else None

    def _peak_bytes(self) -> int | None:
        gc.collect()
        allocated = framework().allocated_peak_bytes(self)
        if allocated is not None or framework().gpu_name() is not None:
            return allocated
        return resident_peak_bytes(self)

    def gradient_flops(self) -> float | None:
        """Floating-point operations of the forward and the backward pass; None if unknown."""

        def loss(labels: Any, outputs: Any) -> Any:
            losses = keras.losses.sparse_categorical_crossentropy(labels, outputs)
            return keras.ops.mean(losses)

        return framework().gradient_flops(self.model, loss, self.images, self.labels)
