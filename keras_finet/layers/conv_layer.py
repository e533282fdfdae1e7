"""What every 2D convolution layer of the package shares with `keras.layers.Conv2D`."""

from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.arguments import positive_integer
from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.fold import ConvWeights, with_weights
from keras_finet.layers.window_layer import WindowLayer


class ConvLayer(WindowLayer):
    """Arguments, kernel and shapes of a 2D convolution; a subclass says what is done with them.

    The arguments are those of `Conv2D`, whose initializer is another. A subclass has a `fold`.

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
        kernel_initializer: Any = "he_normal",
        kernel_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive_integer("filters", filters)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates the kernel for inputs of `input_shape`."""
        self._add_kernel(
            input_shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels, self.filters)

    def _output_channels(self) -> int:
        return self.filters

    def _convolve(self, inputs: Tensor, kernel: Tensor, data_format: str = "channels_last") -> Any:
        return ops.conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=data_format,
        )

    def fold(self) -> ConvWeights:
        """Returns the weights of the `Conv2D` that equals this layer in inference."""
        raise NotImplementedError

    def stock_layers(self, input_shape: Shape) -> list[keras.layers.Layer]:
        """Returns the `Conv2D` that equals this layer in inference."""
        convolution = keras.layers.Conv2D(
            self.filters,
            **self._window_config(),
            activation=self.activation,
            dtype="float32",
            name=self.name,
        )
        return [with_weights(convolution, input_shape, self.fold())]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }
