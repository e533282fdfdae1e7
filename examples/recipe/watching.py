"""What happens during an epoch: checkpoints, a loss that is no number, speed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from recipe.checkpoints import CheckpointFile, NotFiniteError, Progress, value_of


class TrainingStopped(RuntimeError):  # noqa: N818 - an outcome of training, not a mistake
    """Training cannot go on; the message says why and what is left."""


class Watch(keras.callbacks.Callback):
    """Follows `fit` through one epoch that begins at `progress`.

    Args:
        file: Where the state is kept.
        progress: The state that the model is in; it moves along.
        every: Number of steps between two checkpoints inside an epoch.
        note: A function of the step, counted over all epochs, and the figures so far.
        steps: Number of steps in a whole epoch.
    """

    def __init__(
        self,
        file: CheckpointFile,
        progress: Progress,
        *,
        every: int,
        steps: int,
        note: Callable[[int, dict[str, float]], None],
    ) -> None:
        super().__init__()
        self._file = file
        self._progress = progress
        self._every = every
        self._steps = steps
        self._note = note
        self._first = progress.step
        self._timed: list[tuple[int, float]] = []

    @property
    def steps_per_second(self) -> float:
        """Over all steps but the first, which may have been compiled; NaN for a single step."""
        if len(self._timed) < 2:
            return math.nan
        (first, began), (last, ended) = self._timed[0], self._timed[-1]
        return (last - first) / (ended - began)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        done = self._first + batch + 1
        now = time.perf_counter()
        self._timed = [*self._timed[:1], (done, now)]
        if self._progress.sums:
            # Keras has forgotten what the epoch's metrics held before the run was taken up.
            add_sums(self.model, self._progress.sums)
            self._progress.sums = []
        logs = logs or {}
        loss = float(logs.get("loss", 0.0))
        if not math.isfinite(loss):
            raise self._stopped(
                f"the loss is {loss} in epoch {self._progress.epoch + 1}, step {done}"
            )
        self._note(self._progress.epoch * self._steps + done, logs)
        if done % self._every == 0 and done < self._steps:
            self._progress.step = done
            self.save(metric_sums(self.model))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {}).get("val_loss", 0.0))
        if not math.isfinite(loss):
            raise self._stopped(f"the validation loss is {loss} in epoch {epoch + 1}")
        self.model.stop_training = True

    def save(self, sums: list[np.ndarray] | None = None) -> None:
        """Replaces the checkpoint by the model's present state."""
        self._progress.sums = sums or []
        try:
            self._file.save(self.model, self._progress)
        except NotFiniteError:
            raise self._stopped(f"weights are no longer finite at {self._progress}") from None
        self._progress.sums = []

    def _stopped(self, why: str) -> TrainingStopped:
        kept = (
            f"the last good checkpoint is {self._file.path}"
            if self._file.path.exists()
            else ("there is no checkpoint yet")
        )
        return TrainingStopped(f"{why}; {kept}.")


def metric_sums(model: Any) -> list[np.ndarray]:
    """Sums and counts of the metrics' means so far."""
    return list(map(value_of, model.metrics_variables))


def add_sums(model: Any, sums: list[np.ndarray]) -> None:
    for variable, value in zip(model.metrics_variables, sums, strict=True):
        variable.assign(value + value_of(variable))
