"""The optimizers that recipes name."""

from __future__ import annotations

import keras
from training import schedule, sgd

from keras_finet import AdaptiveGradientClipping
from normalization_comparison.setting import Setting
from normalization_comparison.variants import VARIANTS

OPTIMIZERS = {"adam": keras.optimizers.Adam, "sgd": sgd}


def optimizer(setting: Setting, variant: str, model: keras.Model) -> keras.optimizers.Optimizer:
    """Returns a new optimizer for the whole training of one seed of a variant's network."""
    steps = setting.epochs * setting.steps_per_epoch
    inner = OPTIMIZERS[setting.optimizer](schedule(steps, setting.learning_rate))
    if VARIANTS[variant].clips_gradients:
        return AdaptiveGradientClipping.for_model(model, inner)
    return inner
