"""`BranchScale`: a number that scales a residual branch."""

from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.fold import to_float64


@keras.saving.register_keras_serializable(package="keras_finet")
class BranchScale(keras.layers.Layer):
    """Multiplies its inputs by one learned number.

    It ends a residual branch of a network without normalisations, which would add the variance of
    every branch to the sum: MimicNorm's scalar, or alpha of a normaliser-free network (with
    `trainable=False`). `fuse` folds it into the convolution before it, weights and bias; where it
    cannot it becomes a `Rescaling`.

    Reference: MimicNorm, where it starts at 1.2^m / i with m convolutions in the branch of the
    i-th residual unit.

    Args:
        initial: Float, the value to start from.
        regularizer: Optional regularizer of the number.
        constraint: Optional constraint on the number.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of any shape.

    Attributes:
        scale: Variable of shape `()`.
    """

    def __init__(
        self,
        initial: float = 1.0,
        regularizer: Any = None,
        constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.initial = float(initial)
        self.regularizer = regularizers.get(regularizer)
        self.constraint = constraints.get(constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates the number."""
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=initializers.Constant(self.initial),
            regularizer=self.regularizer,
            constraint=self.constraint,
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Returns `inputs` times the number."""
        return inputs * ops.cast(self.scale, inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the inputs."""
        return input_shape

    def stock_layers(self, input_shape: Shape) -> list[keras.layers.Layer]:
        """Returns the `Rescaling` that equals this layer."""
        return [keras.layers.Rescaling(float(to_float64(self.scale)), name=self.name)]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "initial": self.initial,
            "regularizer": regularizers.serialize(self.regularizer),
            "constraint": constraints.serialize(self.constraint),
        }
