"""What every 2D convolution layer of the package shares with `keras.layers.Conv2D`."""

from typing import Any, SupportsIndex

import keras
from keras import activations, constraints, initializers, ops, regularizers

Tensor = Any
Shape = tuple[int | None, ...]


class ConvLayer(keras.layers.Layer):
    """Arguments, kernel and shapes of a 2D convolution; a subclass says what is done with them.

    The arguments have the names, the meaning and the defaults that they have in `Conv2D`. Inside,
    everything is channels-last.

    Raises:
        ValueError: for an argument out of its range.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        activation: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive_integer("filters", filters)
        self.kernel_size = _pair("kernel_size", kernel_size)
        self.strides = _pair("strides", strides)
        self.padding = _choice("padding", padding, ("valid", "same"))
        self.data_format = _choice(
            "data_format",
            keras.config.image_data_format() if data_format is None else data_format,
            ("channels_last", "channels_first"),
        )
        self.dilation_rate = _pair("dilation_rate", dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "Expected `strides` or `dilation_rate` to be 1. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _input_channels(self, input_shape: Shape) -> int:
        if len(input_shape) != 4:
            raise ValueError(
                f"Layer {self.name!r} expects a batch of images, 4 dimensions. Received: "
                f"input_shape={input_shape}"
            )
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.name!r} expects a known number of channels. Received: "
                f"input_shape={input_shape} with data_format={self.data_format!r}"
            )
        return channels

    def build(self, input_shape: Shape) -> None:
        """Creates the kernel for inputs of `input_shape`."""
        channels = self._input_channels(input_shape)
        self.input_spec = keras.InputSpec(ndim=4, axes={self._channel_axis: channels})
        self.compute_output_shape(input_shape)
        # Without autocast: a subclass computes with the kernel in full precision and casts itself.
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            autocast=False,
        )

    def _to_channels_last(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_last":
            return inputs
        return ops.transpose(inputs, (0, 2, 3, 1))

    def _from_channels_last(self, outputs: Tensor) -> Tensor:
        if self.data_format == "channels_last":
            return outputs
        return ops.transpose(outputs, (0, 3, 1, 2))

    def _convolve(self, inputs: Tensor, kernel: Tensor, data_format: str = "channels_last") -> Any:
        return ops.conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=data_format,
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the outputs; raises ValueError where they would be empty."""
        kernel_shape = (*self.kernel_size, self._input_channels(input_shape), self.filters)
        outputs = self._convolve(
            keras.KerasTensor(input_shape), keras.KerasTensor(kernel_shape), self.data_format
        )
        return tuple(outputs.shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }


def positive_integer(name: str, value: Any) -> int:
    """Returns `value`; raises ValueError if it is not a positive integer."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex) or int(value) <= 0:
        raise ValueError(f"Expected `{name}` to be a positive integer. Received: {value!r}")
    return int(value)


def _pair(name: str, value: Any) -> tuple[int, int]:
    values = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2:
        raise ValueError(f"Expected `{name}` to be an integer or two of them. Received: {value!r}")
    height, width = (positive_integer(name, item) for item in values)
    return height, width


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    chosen = str(value).lower()
    if chosen not in choices:
        raise ValueError(f"Expected `{name}` to be one of {choices}. Received: {value!r}")
    return chosen
