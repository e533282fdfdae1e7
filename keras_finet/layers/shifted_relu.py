"""`ShiftedReLU`: max(x, -1)."""

from typing import Any

import keras
from keras import ops

from keras_finet.layers.channels import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_finet")
class ShiftedReLU(keras.layers.Layer):
    """The activation `max(x, -1)`.

    It stands where a network with batch normalisation normalises and applies a ReLU: of normal
    inputs it makes outputs with a mean nearer to 0. Nothing is learned.

    `fuse` makes `relu(x + 1) - 1` of it. The 1 goes into the bias of a convolution before it, and
    the converter fuses the ReLU, so that a SUB is left. One MAXIMUM would have to share its scale
    with all that touches it in int8, which costs accuracy, and which the converter does not manage
    where a sum reads its input too.

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
        return ops.maximum(inputs, -1.0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the inputs."""
        return input_shape

    def stock_layers(self, input_shape: Shape) -> list[keras.layers.Layer]:
        """Returns two `Rescaling` that add and subtract 1, and between them a `ReLU`."""
        return [
            keras.layers.Rescaling(1.0, offset=1.0, name=f"{self.name}_up"),
            keras.layers.ReLU(name=f"{self.name}_relu"),
            keras.layers.Rescaling(1.0, offset=-1.0, name=self.name),
        ]
