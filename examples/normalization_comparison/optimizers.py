"""The optimizers that recipes name."""

from __future__ import annotations

import keras
from training import schedule, sgd

from normalization_comparison.setting import Setting

OPTIMIZERS = {"adam": keras.optimizers.Adam, "sgd": sgd}


def optimizer(setting: Setting) -> keras.optimizers.Optimizer:
    """Returns a new optimizer for the whole training of one seed."""
    steps = setting.epochs * setting.steps_per_epoch
    return OPTIMIZERS[setting.optimizer](schedule(steps, setting.learning_rate))
