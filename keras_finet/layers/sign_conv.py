"""Convolutions with weights of one bit: `SignConv2D` and `SignDepthwiseConv2D`.

The kernel that they convolve with is a constant times the sign of the stored one:

    W_hat = gain * sqrt(2 / fan_in) * sign(W)        sign(0) = +1

Without a gain the constant is the standard deviation that He et al. start a kernel with; it never
changes. The gradient of `W_hat` is taken for that of `W`: neither clipped nor multiplied by the
constant.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_finet.layers.arguments import positive_number
from keras_finet.layers.binary import sign, straight_through
from keras_finet.layers.channels import Tensor
from keras_finet.layers.conv_layer import ConvLayer
from keras_finet.layers.depthwise_layer import DepthwiseLayer
from keras_finet.layers.derived_kernel import DerivedKernel
from keras_finet.layers.fold import ConvWeights, to_float64


class _SignKernel(DerivedKernel):
    """The kernel of both layers; a subclass says what its `_fan_in` is."""

    gain: float

    def _fan_in(self) -> int:
        raise NotImplementedError

    def _constant(self) -> float:
        return self.gain * math.sqrt(2.0 / self._fan_in())

    def _derived_kernel(self: Any) -> Tensor:
        kernel = ops.convert_to_tensor(self.kernel)
        signs = ops.cast(sign(kernel), kernel.dtype)
        return straight_through(signs * self._constant(), kernel)

    def fold(self: Any) -> ConvWeights:
        """Returns the weights of the stock convolution that equals this layer.

        Returns:
            `ConvWeights`: a kernel of the shape of the stored one with two values, and a bias of
            zeros.

        Raises:
            ValueError: if the layer has not been built.
        """
        self._check_built()
        signs = np.where(to_float64(self.kernel) >= 0.0, 1.0, -1.0)
        return ConvWeights(self._constant() * signs, np.zeros(self._output_channels()))


@keras.saving.register_keras_serializable(package="keras_finet")
class SignConv2D(_SignKernel, ConvLayer):
    """2D convolution with 1-bit weights, without bias.

    It convolves with `gain * sqrt(2 / (kernel_height * kernel_width * channels)) * sign(kernel)`,
    where the sign of 0 is +1. A step of training gives the stored kernel the gradient of that one.
    `fuse` makes a `Conv2D` of it, whose weights have two values.

    Reference: [McDonnell, 2018](https://arxiv.org/abs/1802.08530); with shifted ReLUs
    [McDonnell et al., 2019](https://arxiv.org/abs/1907.06916).

    Example:
    >>> layer = keras_finet.layers.SignConv2D(32, 3, padding="same")
    >>> layer(np.ones((2, 8, 8, 16), "float32")).shape
    (2, 8, 8, 32)

    Args:
        filters: Integer, number of output channels.
        kernel_size: Integer or pair of integers, size of the kernel in pixels.
        strides: Integer or pair of integers.
        padding: `"valid"` or `"same"`, as in `Conv2D`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        dilation_rate: Integer or pair of integers.
        activation: Activation function applied to the outputs.
        kernel_initializer: Initializer of the stored kernel.
        kernel_regularizer: Optional regularizer of the stored kernel.
        activity_regularizer: Optional regularizer of the output.
        kernel_constraint: Optional constraint on the stored kernel.
        gain: Float, a constant factor of the kernel, 1 in the paper. Its gradient is not multiplied
            by it either.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` with `data_format="channels_first"`.

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
        gain: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            **kwargs,
        )
        self.gain = positive_number("gain", gain)

    def _fan_in(self) -> int:
        return math.prod(self.kernel.shape[:3])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {**super().get_config(), "gain": self.gain}


@keras.saving.register_keras_serializable(package="keras_finet")
class SignDepthwiseConv2D(_SignKernel, DepthwiseLayer):
    """2D depthwise convolution with 1-bit weights, without bias.

    It convolves with `gain * sqrt(2 / (kernel_height * kernel_width)) * sign(kernel)`, where the
    sign of 0 is +1. A step of training gives the stored kernel the gradient of that one. `fuse`
    makes a `DepthwiseConv2D` of it, whose weights have two values.

    An extrapolation: [McDonnell et al., 2019](https://arxiv.org/abs/1907.06916) have no depthwise
    convolution. The constant is theirs, for the fan-in that such a one has.

    Args:
        kernel_size: Integer or pair of integers, size of the kernel in pixels.
        strides: Integer or pair of equal integers.
        padding: `"valid"` or `"same"`, as in `DepthwiseConv2D`.
        depth_multiplier: Integer, number of output channels for each input channel.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        dilation_rate: Integer or pair of integers.
        activation: Activation function applied to the outputs.
        depthwise_initializer: Initializer of the stored kernel. Keras' `"he_normal"` counts all
            channels into the fan-in of a depthwise kernel, which makes the stored weights smaller,
            and so the steps relative to them larger; the signs are as likely.
        depthwise_regularizer: Optional regularizer of the stored kernel.
        activity_regularizer: Optional regularizer of the output.
        depthwise_constraint: Optional constraint on the stored kernel.
        gain: Float, a constant factor of the kernel, 1 in the paper. Its gradient is not multiplied
            by it either.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` with `data_format="channels_first"`.

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
        gain: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            activity_regularizer=activity_regularizer,
            depthwise_constraint=depthwise_constraint,
            **kwargs,
        )
        self.gain = positive_number("gain", gain)

    def _fan_in(self) -> int:
        return math.prod(self.kernel_size)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {**super().get_config(), "gain": self.gain}
