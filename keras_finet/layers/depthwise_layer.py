"""What every 2D depthwise layer of the package shares with `keras.layers.DepthwiseConv2D`."""

import math
from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.arguments import positive_integer
from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.fold import ConvWeights, with_weights
from keras_finet.layers.window_layer import WindowLayer


class DepthwiseLayer(WindowLayer):
    """Arguments, kernel and shapes of a depthwise convolution; a subclass says what is done.

    The arguments are those of `DepthwiseConv2D`, whose initializer is another. A subclass has a
    `fold`.

    Raises:
        ValueError: for an argument out of its range.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        activation: Any = None,
        depthwise_initializer: Any = "he_normal",
        depthwise_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
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
        if self.strides[0] != self.strides[1]:
            raise ValueError(f"Expected two equal `strides`. Received: {self.strides}")
        self.depth_multiplier = positive_integer("depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates the kernel for inputs of `input_shape`."""
        self._add_kernel(
            input_shape,
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels, self.depth_multiplier)

    def _output_channels(self) -> int:
        return math.prod(self.kernel.shape[-2:])

    def _convolve(self, inputs: Tensor, kernel: Tensor, data_format: str = "channels_last") -> Any:
        return ops.depthwise_conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=data_format,
        )

    def fold(self) -> ConvWeights:
        """Returns the weights of the `DepthwiseConv2D` that equals this layer in inference."""
        raise NotImplementedError

    def stock_layers(self, input_shape: Shape) -> list[keras.layers.Layer]:
        """Returns the `DepthwiseConv2D` that equals this layer in inference."""
        convolution = keras.layers.DepthwiseConv2D(
            depth_multiplier=self.depth_multiplier,
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
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
        }
