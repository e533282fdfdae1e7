"""Learning rates by step: those of the paper, and a warm-up."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import (
    CosineDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

from recipe.settings import Recipe

DROP = 0.1


def schedule(recipe: Recipe, steps_per_epoch: int) -> LearningRateSchedule:
    """The learning rate of each step, the first of which is step 0.

    A drop at epoch 100 counts from the first step after 100 whole epochs. The linear decay would
    reach 0 one step after the last, the cosine its own lowest value.
    """
    steps = recipe.epochs * steps_per_epoch
    first = recipe.learning_rate
    if recipe.drops:
        # Keras keeps a value up to and including its boundary.
        boundaries = [_steps_until(epoch, steps_per_epoch) - 1 for epoch in recipe.drops]
        values = [first * DROP**drops for drops in range(len(boundaries) + 1)]
        decay: LearningRateSchedule = PiecewiseConstantDecay(boundaries, values)
    elif recipe.cosine_to is not None and first:
        decay = CosineDecay(first, steps, alpha=recipe.cosine_to / first)
    else:
        decay = PolynomialDecay(first, steps, 0.0, power=1.0)
    warmup_steps = _steps_until(recipe.warmup_epochs, steps_per_epoch)
    return WarmUp(decay, warmup_steps) if warmup_steps else decay


def _steps_until(epoch: float, steps_per_epoch: int) -> int:
    """Whole steps; rounded first, as a float's last digit is not worth a step."""
    return math.ceil(round(epoch * steps_per_epoch, 6))


@keras.saving.register_keras_serializable("keras_finet.examples")
class WarmUp(LearningRateSchedule):
    """Raises the learning rate of a schedule from nearly 0 in equal steps.

    Args:
        decay: The schedule, which is in force from the start.
        steps: Number of steps; the last of them has the schedule's own learning rate.
    """

    def __init__(self, decay: LearningRateSchedule, steps: int) -> None:
        self.decay = decay
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        share = (ops.cast(step, "float32") + 1) / self.steps
        return self.decay(step) * ops.minimum(share, 1.0)

    def get_config(self) -> dict[str, Any]:
        decay = keras.optimizers.schedules.serialize(self.decay)
        return {"decay": decay, "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUp:
        decay = keras.optimizers.schedules.deserialize(config["decay"])
        return cls(decay, config["steps"])
