"""Convolutions that standardise their weights: `StandardizedConv2D` and its 1-bit form.

With the standardised filters `W_0` of `keras_finet.layers.standardization`:

    W_hat = gain * gamma * W_0
    W_b   = gamma * mean(|W_0|) * sign(W_0)                       in the 1-bit form
"""

import math
from typing import Any

import keras
import numpy as np
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.arguments import positive_number
from keras_finet.layers.binary import sign, straight_through
from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.conv_layer import ConvLayer
from keras_finet.layers.derived_kernel import DerivedKernel
from keras_finet.layers.fold import ConvWeights, to_float64
from keras_finet.layers.standardization import check_standardizable, standardized

FILTER_AXES = (0, 1, 2)


class StandardizedLayer(DerivedKernel, ConvLayer):
    """Arguments, weights and standardised kernel of both layers.

    Raises:
        ValueError: for an argument out of its range, or (when built) for filters of one weight,
            which standardise to zero.
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
        epsilon: float = 1e-5,
        kernel_initializer: Any = "he_normal",
        gamma_initializer: Any = "ones",
        kernel_regularizer: Any = None,
        gamma_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        gamma_constraint: Any = None,
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
        self.epsilon = positive_number("epsilon", epsilon)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates the weights for inputs of `input_shape`."""
        super().build(input_shape)
        check_standardizable(self, math.prod(self.kernel.shape[:3]), input_shape)
        self.gamma = self.add_weight(
            name="gamma",
            shape=(self.filters,),
            initializer=self.gamma_initializer,
            regularizer=self.gamma_regularizer,
            constraint=self.gamma_constraint,
            autocast=False,
        )

    def _standardize(self, xp: Any, kernel: Any) -> Any:
        """Returns W_0 in the arrays of `xp`: NumPy, or `keras.ops` inside a model."""
        return standardized(xp, kernel, FILTER_AXES, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


@keras.saving.register_keras_serializable(package="keras_finet")
class StandardizedConv2D(StandardizedLayer):
    """2D convolution with scaled weight standardisation.

    Every filter is brought to mean 0 and norm 1 and multiplied by a learned factor, gamma, so that
    activations keep their scale without any normalisation of them. The gradient goes through the
    standardisation. `fuse` makes a `Conv2D` of it.

    Reference: [Brock et al., 2021](https://arxiv.org/abs/2101.08692); as in
    [Chen et al., 2021](https://arxiv.org/abs/2104.08215).

    Example:
    >>> layer = keras_finet.layers.StandardizedConv2D(32, 3, gain=1.713, activation="relu")
    >>> layer(np.ones((2, 8, 8, 16), "float32")).shape
    (2, 6, 6, 32)

    Args:
        filters: Integer, number of output channels.
        kernel_size: Integer or pair of integers, size of the kernel in pixels.
        strides: Integer or pair of integers.
        padding: `"valid"` or `"same"`, as in `Conv2D`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        dilation_rate: Integer or pair of integers.
        activation: Activation function applied to the outputs.
        use_bias: Whether there is a learned bias.
        gain: Float, a constant factor that makes up for the variance that the activation before
            the layer takes away: 1.713, sqrt(2 / (1 - 1 / pi)), for ReLU.
        epsilon: Float added to a filter's standard deviation.
        kernel_initializer: Initializer of the stored kernel.
        gamma_initializer: Initializer of gamma.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Optional regularizer of the stored kernel.
        gamma_regularizer: Optional regularizer of gamma.
        bias_regularizer: Optional regularizer of the bias.
        activity_regularizer: Optional regularizer of the output.
        kernel_constraint: Optional constraint on the stored kernel.
        gamma_constraint: Optional constraint on gamma.
        bias_constraint: Optional constraint on the bias.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` with `data_format="channels_first"`.

    Attributes:
        kernel: Variable of shape `(kernel_height, kernel_width, channels, filters)`.
        gamma: Variable of shape `(filters,)`.
        bias: Variable of shape `(filters,)`, or None.

    Raises:
        ValueError: for an argument out of its range, or (when built) for filters of one weight,
            which standardise to zero.
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
        use_bias: bool = True,
        gain: float = 1.0,
        epsilon: float = 1e-5,
        kernel_initializer: Any = "he_normal",
        gamma_initializer: Any = "ones",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        gamma_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        gamma_constraint: Any = None,
        bias_constraint: Any = None,
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
            epsilon=epsilon,
            kernel_initializer=kernel_initializer,
            gamma_initializer=gamma_initializer,
            kernel_regularizer=kernel_regularizer,
            gamma_regularizer=gamma_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            gamma_constraint=gamma_constraint,
            **kwargs,
        )
        self.use_bias = bool(use_bias)
        self.gain = positive_number("gain", gain)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates the weights for inputs of `input_shape`."""
        super().build(input_shape)
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                autocast=False,
            )

    def _derived_kernel(self) -> Tensor:
        kernel = ops.convert_to_tensor(self.kernel)
        return self._standardize(ops, kernel) * (ops.convert_to_tensor(self.gamma) * self.gain)

    def fold(self) -> ConvWeights:
        """Returns the weights of the `Conv2D` that equals this layer, computed in float64.

        Raises:
            ValueError: if the layer has not been built.
        """
        self._check_built()
        kernel = self._standardize(np, to_float64(self.kernel))
        bias = np.zeros(self.filters) if self.bias is None else to_float64(self.bias)
        return ConvWeights(kernel * to_float64(self.gamma) * self.gain, bias)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "gain": self.gain,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


@keras.saving.register_keras_serializable(package="keras_finet")
class SignStandardizedConv2D(StandardizedLayer):
    """2D convolution with 1-bit weights, the signs of standardised ones, without bias.

    It convolves with `gamma * mean(|W_0|) * sign(W_0)`, where `W_0` is the standardised kernel, the
    mean is that of a filter, and the sign of 0 is +1. The gradient of `mean(|W_0|) * sign(W_0)` is
    taken for that of `W_0`, and goes on through the standardisation. (The paper clips `W_0` to
    [-1, 1] on the way, which never acts: a filter of `W_0` has norm 1.) `fuse` makes a `Conv2D` of
    it, whose filters have two values each.

    Reference: [Chen et al., 2021](https://arxiv.org/abs/2104.08215).

    Args:
        filters: Integer, number of output channels.
        kernel_size: Integer or pair of integers, size of the kernel in pixels.
        strides: Integer or pair of integers.
        padding: `"valid"` or `"same"`, as in `Conv2D`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        dilation_rate: Integer or pair of integers.
        activation: Activation function applied to the outputs.
        epsilon: Float added to a filter's standard deviation.
        kernel_initializer: Initializer of the stored kernel.
        gamma_initializer: Initializer of gamma.
        kernel_regularizer: Optional regularizer of the stored kernel.
        gamma_regularizer: Optional regularizer of gamma.
        activity_regularizer: Optional regularizer of the output.
        kernel_constraint: Optional constraint on the stored kernel.
        gamma_constraint: Optional constraint on gamma.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` with `data_format="channels_first"`.

    Attributes:
        kernel: Variable of shape `(kernel_height, kernel_width, channels, filters)`.
        gamma: Variable of shape `(filters,)`.

    Raises:
        ValueError: for an argument out of its range, or (when built) for filters of one weight,
            which standardise to zero.
    """

    def _derived_kernel(self) -> Tensor:
        standardized = self._standardize(ops, ops.convert_to_tensor(self.kernel))
        magnitude = ops.mean(ops.abs(standardized), axis=FILTER_AXES)
        binary = magnitude * ops.cast(sign(standardized), standardized.dtype)
        return straight_through(binary, standardized) * self.gamma

    def fold(self) -> ConvWeights:
        """Returns the weights of the `Conv2D` that equals this layer, computed in float64.

        Raises:
            ValueError: if the layer has not been built.
        """
        self._check_built()
        magnitude = np.abs(self._standardize(np, to_float64(self.kernel))).mean(FILTER_AXES)
        # In the layer's own dtype: in float64 a weight at the mean may have the other sign.
        signs = sign(self._standardize(ops, ops.convert_to_tensor(self.kernel)))
        signs = ops.convert_to_numpy(signs).astype("float64")
        return ConvWeights(to_float64(self.gamma) * magnitude * signs, np.zeros(self.filters))
