"""Epoch after epoch of a run: training, evaluation, a row of figures, a checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from recipe.building import inner_optimizer
from recipe.checkpoints import CheckpointFile, Progress
from recipe.distribution import Distribution
from recipe.logs import Logs, NoLogs
from recipe.pipeline import evaluation_batches, training_batches
from recipe.schedules import schedule
from recipe.settings import Recipe
from recipe.sources import Source
from recipe.watching import Watch


@dataclasses.dataclass(frozen=True)
class Epochs:
    """The epochs that are left of a run.

    Attributes:
        recipe: What to train.
        source: The data.
        spread: Over which devices the work is spread.
        file: The checkpoint.
        logs: Where figures go.
        steps: Number of steps in an epoch.
        checkpoint_steps: Number of steps between two checkpoints inside an epoch.
        callbacks: Further callbacks of `fit`.
        verbose: As in `keras.Model.fit`.
    """

    recipe: Recipe
    source: Source
    spread: Distribution
    file: CheckpointFile
    logs: Logs | NoLogs
    steps: int
    checkpoint_steps: int
    callbacks: Sequence[keras.callbacks.Callback]
    verbose: str | int

    def run(self, model: Any, progress: Progress) -> None:
        """Trains a compiled model to the end; `progress`, the state that it is in, moves along."""
        evaluation = self.spread.evaluation_data(
            evaluation_batches(self.source, self.recipe, self.spread.share),
            self.recipe.batch_size,
            self.source.evaluation_size,
        )
        self.logs.epochs(progress.history)
        for _ in range(progress.epoch, self.recipe.epochs):
            watch = Watch(
                self.file,
                progress,
                every=self.checkpoint_steps,
                steps=self.steps,
                note=self.logs.step,
            )
            row = self._epoch(model, progress, evaluation, watch)
            self.logs.epoch(row)
            progress.history.append(row)
            progress.epoch, progress.step = progress.epoch + 1, 0
            watch.save()
            self.logs.epochs(progress.history)

    def _epoch(
        self, model: Any, progress: Progress, evaluation: Any, watch: Watch
    ) -> dict[str, float]:
        callbacks = [watch, *self.callbacks]
        if self.recipe.ema is not None:
            callbacks.append(keras.callbacks.SwapEMAWeights())
        fitted = self.spread.fit(
            model,
            training_batches(
                self.source, self.recipe, progress.epoch, progress.step, self.spread.share
            ),
            initial_epoch=progress.epoch,
            epochs=self.recipe.epochs,  # for the heading; the watch ends it after one
            validation_data=evaluation,
            shuffle=False,  # the data come in an order of their own
            callbacks=callbacks,
            verbose=self.verbose,
        )
        figures = {name: float(value) for name, (value,) in fitted.history.items()}
        return {
            "epoch": progress.epoch + 1,
            **figures,
            "learning_rate": self._last_rate(model),
            "images_per_second": watch.steps_per_second * self.recipe.batch_size,
        }

    def _last_rate(self, model: Any) -> float:
        """Of the last step that was taken; the optimizer's own is already the next step's."""
        taken = int(keras.ops.convert_to_numpy(inner_optimizer(model).iterations))
        rate = schedule(self.recipe, self.steps)(max(taken - 1, 0))
        return float(keras.ops.convert_to_numpy(rate))
