"""`RSign`: the activation of a binary network."""

from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.arguments import positive_number
from keras_finet.layers.binary import binary_activation, sign
from keras_finet.layers.channel_layer import ChannelLayer
from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.fold import model_of, to_float64


@keras.saving.register_keras_serializable(package="keras_finet")
class RSign(ChannelLayer):
    """The binary activation `sign(scale * x + b)`, with a learned b for each channel.

    Outputs are +1, also at 0, and -1. With z = scale * x + b the gradient of z is taken as 2 + 2z
    on [-1, 0), 2 - 2z on [0, 1) and 0 elsewhere.

    `fuse` divides b by the scale and adds it before: in the bias of a convolution there, or as an
    ADD. TFLite's SIGN gives 0 at 0 and has no int8 kernel, so the sign becomes a GREATER_EQUAL and
    a SELECT_V2, which have one.

    References: [Liu et al., 2020](https://arxiv.org/abs/2003.03488) (ReActNet);
    [Liu et al., 2018](https://arxiv.org/abs/1808.00278) for the gradient;
    [Chen et al., 2021](https://arxiv.org/abs/2104.08215) for the scale.

    Args:
        scale: Float, a constant positive factor of the inputs: the inverse of the standard
            deviation that a network without normalisations expects of them.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        bias_initializer: Initializer of b.
        bias_regularizer: Optional regularizer of b.
        bias_constraint: Optional constraint on b.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, ..., channels)`, or `(batch, channels, ...)` with
            `data_format="channels_first"`.

    Attributes:
        bias: Variable of shape `(channels,)`.

    Raises:
        ValueError: for an argument out of its range, or (when built) for an unknown number of
            channels.
    """

    def __init__(
        self,
        scale: float = 1.0,
        data_format: str | None = None,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.scale = positive_number("scale", scale)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates b for inputs of `input_shape`."""
        self.bias = self._add_channel_weight(
            input_shape,
            "bias",
            initializer=self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Returns the signs of the shifted inputs."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return binary_activation(inputs * self.scale + self._by_channel(self.bias, inputs))

    def stock_layers(self, input_shape: Shape) -> list[keras.layers.Layer]:
        """Returns a `Rescaling` that adds `b / scale`, and a model of the sign."""
        offset = to_float64(self.bias) / self.scale
        return [
            self._offset(offset, input_shape, f"{self.name}_bias"),
            model_of(sign, input_shape, self.name),
        ]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
