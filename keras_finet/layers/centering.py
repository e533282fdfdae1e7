"""What makes a stock `Conv2D` one of MimicNorm: filters whose weights have mean zero.

    keras.layers.Conv2D(
        64, 3, kernel_initializer=Centered("he_normal"), kernel_constraint=ZeroMean()
    )

Keras applies a constraint after every step of the optimizer: that is the paper's projection, which
is not differentiated. A moving average of the weights (`use_ema=True`) is taken before it; project
that too, with `variable.assign(variable.constraint(variable))`, once it is in the weights' place.
"""

from typing import Any

import keras
from keras import initializers, ops

from keras_finet.layers.channels import Tensor


def _centred(weights: Tensor) -> Tensor:
    """Subtracts from every filter, along the last axis, the mean of its weights."""
    axes = tuple(range(len(weights.shape) - 1))
    return weights - ops.mean(weights, axis=axes, keepdims=True)


@keras.saving.register_keras_serializable(package="keras_finet")
class ZeroMean(keras.constraints.Constraint):
    """Constraint that subtracts from every filter the mean of its weights.

    For kernels of `Conv2D`, `(kernel_height, kernel_width, channels, filters)`: the mean is over
    all axes but the last. Convolutions without a normalisation keep their activations' means near
    zero with it. It is not for depthwise kernels, whose filters are too small, nor for `Dense`. The
    kernel starts centred with the initializer `Centered`.

    Reference: MimicNorm, [Fei et al., 2020](https://arxiv.org/abs/2010.09278).

    Example:
    >>> keras.layers.Conv2D(
    ...     8, 3, kernel_initializer=Centered("he_normal"), kernel_constraint=ZeroMean()
    ... )
    """

    def __call__(self, w: Tensor) -> Tensor:
        """Returns the weights with each filter's mean subtracted."""
        return _centred(ops.convert_to_tensor(w))


@keras.saving.register_keras_serializable(package="keras_finet")
class Centered(keras.initializers.Initializer):
    """Initializer that subtracts from every filter of another's kernel the mean of its weights.

    Args:
        initializer: The other initializer, or its name.
    """

    def __init__(self, initializer: Any = "he_normal") -> None:
        self.initializer = initializers.get(initializer)

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        """Returns a kernel of `shape` whose filters, along the last axis, have mean zero."""
        return _centred(self.initializer(shape, dtype=dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {"initializer": initializers.serialize(self.initializer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Centered":
        """Makes the initializer that `get_config` describes."""
        return cls(initializers.deserialize(config["initializer"]))
