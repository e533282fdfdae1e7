"""Weight standardisation: every filter gets the mean 0 and the norm 1.

Over the N weights of a filter, with the biased standard deviation:

    W_0 = N^(-1/2) * (W - mean(W)) / (std(W) + epsilon)
"""

import math
from typing import Any

import keras

from keras_finet.layers.channels import Shape

# Only keeps the root differentiable where all weights of a filter are equal.
LEAST_VARIANCE = 1e-30


def standardized(xp: Any, kernel: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """Returns W_0, in the arrays of `xp`: NumPy, or `keras.ops` inside a model.

    Args:
        xp: What computes.
        kernel: The weights W.
        axes: Those that a filter extends over.
        epsilon: Added to a filter's standard deviation.
    """
    centred = kernel - xp.mean(kernel, axis=axes, keepdims=True)
    variance = xp.mean(xp.square(centred), axis=axes, keepdims=True)
    deviation = xp.sqrt(xp.maximum(variance, LEAST_VARIANCE))
    size = math.prod(kernel.shape[axis] for axis in axes)
    return centred / ((deviation + epsilon) * math.sqrt(size))


def check_standardizable(layer: keras.layers.Layer, size: int, input_shape: Shape) -> None:
    """Raises ValueError if the filters of `layer` have the `size` of one weight."""
    if size == 1:
        raise ValueError(
            f"Layer {layer.name!r} expects more than one weight a filter: a single one is its "
            f"own mean, so it standardises to 0. Received: kernel_size={layer.kernel_size} and "
            f"input_shape={input_shape}"
        )
