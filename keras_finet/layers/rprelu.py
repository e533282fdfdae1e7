"""`RPReLU`: a PReLU whose kink is where a network wants it."""

from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.channel_layer import ChannelLayer
from keras_finet.layers.channels import Shape, Tensor, by_channel
from keras_finet.layers.fold import to_float64, with_weights

WEIGHTS = ("shift_in", "slope", "shift_out")


@keras.saving.register_keras_serializable(package="keras_finet")
class RPReLU(ChannelLayer):
    """The activation `PReLU(x + b1) + b2`, with learned b1, b2 and slope for each channel.

    `fuse` adds b1 in the bias of a convolution before it, if it can, also in that of a residual
    branch whose sum it activates. The rest is a PRELU and an ADD.

    Reference: [Liu et al., 2020](https://arxiv.org/abs/2003.03488) (ReActNet), section 4.2.

    Args:
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        shift_in_initializer: Initializer of b1.
        slope_initializer: Initializer of the slopes of negative inputs. Defaults to 0.25.
        shift_out_initializer: Initializer of b2.
        shift_in_regularizer: Optional regularizer of b1.
        slope_regularizer: Optional regularizer of the slopes.
        shift_out_regularizer: Optional regularizer of b2.
        shift_in_constraint: Optional constraint on b1.
        slope_constraint: Optional constraint on the slopes.
        shift_out_constraint: Optional constraint on b2.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, ..., channels)`, or `(batch, channels, ...)` with
            `data_format="channels_first"`.

    Attributes:
        shift_in, slope, shift_out: Variables of shape `(channels,)`.

    Raises:
        ValueError: for another `data_format`, or (when built) for an unknown number of channels.
    """

    def __init__(
        self,
        data_format: str | None = None,
        shift_in_initializer: Any = "zeros",
        slope_initializer: Any = None,
        shift_out_initializer: Any = "zeros",
        shift_in_regularizer: Any = None,
        slope_regularizer: Any = None,
        shift_out_regularizer: Any = None,
        shift_in_constraint: Any = None,
        slope_constraint: Any = None,
        shift_out_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        slope = initializers.Constant(0.25) if slope_initializer is None else slope_initializer
        self.shift_in_initializer = initializers.get(shift_in_initializer)
        self.slope_initializer = initializers.get(slope)
        self.shift_out_initializer = initializers.get(shift_out_initializer)
        self.shift_in_regularizer = regularizers.get(shift_in_regularizer)
        self.slope_regularizer = regularizers.get(slope_regularizer)
        self.shift_out_regularizer = regularizers.get(shift_out_regularizer)
        self.shift_in_constraint = constraints.get(shift_in_constraint)
        self.slope_constraint = constraints.get(slope_constraint)
        self.shift_out_constraint = constraints.get(shift_out_constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates the weights for inputs of `input_shape`."""
        for name in WEIGHTS:
            weight = self._add_channel_weight(
                input_shape,
                name,
                initializer=getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"),
                constraint=getattr(self, f"{name}_constraint"),
            )
            setattr(self, name, weight)

    def call(self, inputs: Tensor) -> Tensor:
        """Returns the activation of `inputs`."""
        inputs = ops.cast(inputs, self.compute_dtype)
        shift_in, slope, shift_out = (
            self._by_channel(getattr(self, name), inputs) for name in WEIGHTS
        )
        shifted = inputs + shift_in
        return ops.relu(shifted) - slope * ops.relu(-shifted) + shift_out

    def stock_layers(self, input_shape: Shape) -> list[keras.layers.Layer]:
        """Returns a `Rescaling` that adds b1, a `PReLU`, and a `Rescaling` that adds b2."""
        shape = by_channel(input_shape, self.data_format)
        channels_last = len(shape) == 1
        axes = range(1, len(input_shape) - 1) if channels_last else range(2, len(input_shape))
        prelu = keras.layers.PReLU(
            shared_axes=tuple(axes) or None, dtype="float32", name=f"{self.name}_prelu"
        )
        slope = to_float64(self.slope).reshape((1,) * len(axes) + shape if channels_last else shape)
        return [
            self._offset(to_float64(self.shift_in), input_shape, f"{self.name}_bias"),
            with_weights(prelu, input_shape, [slope]),
            self._offset(to_float64(self.shift_out), input_shape, self.name),
        ]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "shift_in_initializer": initializers.serialize(self.shift_in_initializer),
            "slope_initializer": initializers.serialize(self.slope_initializer),
            "shift_out_initializer": initializers.serialize(self.shift_out_initializer),
            "shift_in_regularizer": regularizers.serialize(self.shift_in_regularizer),
            "slope_regularizer": regularizers.serialize(self.slope_regularizer),
            "shift_out_regularizer": regularizers.serialize(self.shift_out_regularizer),
            "shift_in_constraint": constraints.serialize(self.shift_in_constraint),
            "slope_constraint": constraints.serialize(self.slope_constraint),
            "shift_out_constraint": constraints.serialize(self.shift_out_constraint),
        }
