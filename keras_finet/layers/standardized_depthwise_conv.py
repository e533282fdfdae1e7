"""`StandardizedDepthwiseConv2D`: a depthwise convolution that standardises its weights.

A filter is one channel's window, `N = kernel_height * kernel_width` weights W. With the
standardised filters `W_0` of `keras_finet.layers.standardization`:

    W_hat = gain * gamma * W_0
"""

import math
from typing import Any

import keras
import numpy as np
from keras import constraints, initializers, ops, regularizers

from keras_finet.layers.arguments import positive_number
from keras_finet.layers.channels import Shape, Tensor
from keras_finet.layers.depthwise_layer import DepthwiseLayer
from keras_finet.layers.derived_kernel import DerivedKernel
from keras_finet.layers.fold import ConvWeights, to_float64
from keras_finet.layers.standardization import check_standardizable, standardized

WINDOW_AXES = (0, 1)


@keras.saving.register_keras_serializable(package="keras_finet")
class StandardizedDepthwiseConv2D(DerivedKernel, DepthwiseLayer):
    """2D depthwise convolution with scaled weight standardisation.

    Every channel's window is brought to mean 0 and norm 1 and multiplied by a learned factor,
    gamma. The gradient goes through the standardisation. `fuse` makes a `DepthwiseConv2D` of it.

    Reference: [Brock et al., 2021](https://arxiv.org/abs/2101.08692), whose grouped convolutions
    standardise each filter over what it reads; here that is one channel.

    Args:
        kernel_size: Integer or pair of integers, size of the kernel in pixels.
        strides: Integer or pair of equal integers.
        padding: `"valid"` or `"same"`, as in `DepthwiseConv2D`.
        depth_multiplier: Integer, number of output channels for each input channel.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        dilation_rate: Integer or pair of integers.
        activation: Activation function applied to the outputs.
        use_bias: Whether there is a learned bias.
        gain: Float, a constant factor: 1.713 for ReLU.
        epsilon: Float added to a filter's standard deviation.
        depthwise_initializer: Initializer of the stored kernel.
        gamma_initializer: Initializer of gamma.
        bias_initializer: Initializer of the bias.
        depthwise_regularizer: Optional regularizer of the stored kernel.
        gamma_regularizer: Optional regularizer of gamma.
        bias_regularizer: Optional regularizer of the bias.
        activity_regularizer: Optional regularizer of the output.
        depthwise_constraint: Optional constraint on the stored kernel.
        gamma_constraint: Optional constraint on gamma.
        bias_constraint: Optional constraint on the bias.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, height, width, channels)`, or `(batch, channels, height,
            width)` with `data_format="channels_first"`.

    Attributes:
        kernel: Variable of shape `(kernel_height, kernel_width, channels, depth_multiplier)`.
        gamma: Variable of shape `(channels, depth_multiplier)`.
        bias: Variable of shape `(channels * depth_multiplier,)`, or None.

    Raises:
        ValueError: for an argument out of its range, or (when built) for windows of one pixel,
            which standardise to zero.
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
        use_bias: bool = True,
        gain: float = 1.0,
        epsilon: float = 1e-5,
        depthwise_initializer: Any = "he_normal",
        gamma_initializer: Any = "ones",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        gamma_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        gamma_constraint: Any = None,
        bias_constraint: Any = None,
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
        self.use_bias = bool(use_bias)
        self.gain = positive_number("gain", gain)
        self.epsilon = positive_number("epsilon", epsilon)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Creates the weights for inputs of `input_shape`."""
        super().build(input_shape)
        check_standardizable(self, math.prod(self.kernel_size), input_shape)
        self.gamma = self.add_weight(
            name="gamma",
            shape=self.kernel.shape[2:],
            initializer=self.gamma_initializer,
            regularizer=self.gamma_regularizer,
            constraint=self.gamma_constraint,
            autocast=False,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self._output_channels(),),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                autocast=False,
            )

    def _derived_kernel(self) -> Tensor:
        unit = standardized(ops, ops.convert_to_tensor(self.kernel), WINDOW_AXES, self.epsilon)
        return unit * (ops.convert_to_tensor(self.gamma) * self.gain)

    def fold(self) -> ConvWeights:
        """Returns the weights of the `DepthwiseConv2D` that equals this layer, in float64.

        Raises:
            ValueError: if the layer has not been built.
        """
        self._check_built()
        unit = standardized(np, to_float64(self.kernel), WINDOW_AXES, self.epsilon)
        bias = np.zeros(self._output_channels()) if self.bias is None else to_float64(self.bias)
        return ConvWeights(unit * to_float64(self.gamma) * self.gain, bias)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "gain": self.gain,
            "epsilon": self.epsilon,
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
