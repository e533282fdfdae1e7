"""`MeanSignConv2D`: a convolution with weights of one bit, at the scale of the stored ones.

Per filter, with stored weights W:

    W_b = mean(|W|) * sign(W)        sign(0) = +1
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_finet.layers.binary import sign, straight_through
from keras_finet.layers.channels import Tensor
from keras_finet.layers.conv_layer import ConvLayer
from keras_finet.layers.derived_kernel import DerivedKernel
from keras_finet.layers.fold import ConvWeights, to_float64

FILTER_AXES = (0, 1, 2)


@keras.saving.register_keras_serializable(package="keras_finet")
class MeanSignConv2D(DerivedKernel, ConvLayer):
    """2D convolution with 1-bit weights at the scale of the stored ones, without bias.

    It convolves with `mean(|kernel|) * sign(kernel)`, where the mean is that of a filter and the
    sign of 0 is +1. The gradient of that is taken for the stored kernel's where it is at most 1,
    and is 0 elsewhere; the mean has none. `fuse` makes a `Conv2D` of it, whose filters have two
    values each.

    Reference: [Liu et al., 2020](https://arxiv.org/abs/2003.03488) (ReActNet).

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

    def _derived_kernel(self) -> Tensor:
        kernel = ops.convert_to_tensor(self.kernel)
        magnitude = ops.mean(ops.abs(kernel), axis=FILTER_AXES)
        binary = magnitude * ops.cast(sign(kernel), kernel.dtype)
        return straight_through(binary, ops.clip(kernel, -1.0, 1.0))

    def fold(self) -> ConvWeights:
        """Returns the weights of the `Conv2D` that equals this layer, computed in float64.

        Raises:
            ValueError: if the layer has not been built.
        """
        self._check_built()
        kernel = to_float64(self.kernel)
        signs = np.where(kernel >= 0.0, 1.0, -1.0)
        return ConvWeights(np.abs(kernel).mean(FILTER_AXES) * signs, np.zeros(self.filters))
