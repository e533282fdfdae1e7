"""`ShiftedReLU`: max(x, -1)."""

from typing import Any

import keras
from keras import ops

from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.fold import model_of


def _shifted_relu(x: Tensor) -> Tensor:
    return ops.maximum(x, -1.0)


@keras.saving.register_keras_serializable(package="keras_finet")
class ShiftedReLU(keras.layers.Layer):
    """The activation `max(x, -1)`.

    It stands where a network with batch normalisation normalises and applies a ReLU: of normal
    inputs it makes outputs with a mean nearer to 0. Nothing is learned. `fuse` makes one operation
    of it, `keras.ops.maximum`, and the converter a MAXIMUM.

    Reference: [McDonnell et al., 2019](https://arxiv.org/abs/1907.06916).

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of any shape.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """Returns the larger one of the input and -1."""
        return _shifted_relu(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the inputs."""
        return input_shape

    def stock_layers(self, input_shape: Shape) -> list[keras.layers.Layer]:
        """Returns a model of the one operation."""
        return [model_of(_shifted_relu, input_shape, self.name)]
