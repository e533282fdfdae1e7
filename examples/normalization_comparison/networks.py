"""The networks that are compared, with the weights that a seed gives them."""

from __future__ import annotations

import math

import keras

import keras_finet
from keras_finet.applications.image_input import MINIMUM_SIDE
from normalization_comparison.setting import MODELS, Setting
from normalization_comparison.variants import VARIANTS


def build(setting: Setting, variant: str, classes: int, seed: int) -> keras.Model:
    """Builds a variant's network.

    Keras draws a seed for each layer in the order of the layers: where variants have the same
    layers with kernels of the same shapes, a seed gives them the same kernels and dropout. Those
    of BN and FBN have; networks without batch normalisation are initialised in their own ways.
    """
    keras.utils.set_random_seed(seed)
    builder = getattr(keras_finet, MODELS[setting.model])
    return builder(
        weights=None,
        classes=classes,
        input_tensor=keras.Input(_shape(setting.image_size)),
        stem=setting.stem,
        squeeze_excite=False,
        **VARIANTS[variant].arguments,
    )


def _shape(size: int) -> tuple[int | None, int | None, int]:
    """The builders take smaller images only where they are not told the size."""
    side = size if size >= MINIMUM_SIDE else None
    return side, side, 3


def parameters(model: keras.Model) -> int:
    """How many numbers are trained."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)
