"""What a layer must offer to be deployed as stock layers, and the algebra of it.

A normalisation with constant statistics is one factor and one offset a filter,

    n(z) = z * s + (beta - mean * s)        with s = gamma / sqrt(variance + epsilon),

so normalising the output of a convolution scales its kernel and moves its bias. Groups of input
channels that are normalised apart (arXiv 2005.06828, eq. 9) scale the rows of the kernel that read
them, each by its own factor, and add up their offsets.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]


class ConvWeights(NamedTuple):
    """Weights of a stock convolution, in float64.

    Attributes:
        kernel: Array in the layout of the stock layer's kernel: `(kernel_height, kernel_width,
            in_channels, filters)` for `Conv2D`, `(kernel_height, kernel_width, in_channels,
            depth_multiplier)` for `DepthwiseConv2D`.
        bias: Array with a number for each output channel.
    """

    kernel: Float64Array
    bias: Float64Array


class Normalization(NamedTuple):
    """Constants of a normalisation in inference: float64 arrays of shape `(filters,)`.

    Where the layer has no gamma or beta they are ones or zeros.
    """

    gamma: Float64Array
    beta: Float64Array
    mean: Float64Array
    variance: Float64Array


@runtime_checkable
class Foldable(Protocol):
    """A layer that in inference equals a row of stock Keras layers.

    `keras_finet.fuse` replaces any layer that satisfies this protocol and knows nothing else of it.
    """

    name: str

    def stock_layers(self, input_shape: tuple[int | None, ...]) -> list[keras.layers.Layer]:
        """Returns new stock layers that one after another compute what this layer computes.

        They are built for inputs of `input_shape` and have their weights. The last one has the
        layer's name. A number for each channel is a `Rescaling`, which `fuse` may fold further.
        """
        ...


@runtime_checkable
class FoldableConvolution(Foldable, Protocol):
    """A foldable layer that is one stock convolution: normalisations behind it fold into it too.

    `activation` and `data_format` have the meaning that they have in `Conv2D`.
    """

    data_format: str
    activation: Any

    def fold(self) -> ConvWeights:
        """Returns the weights of the equal convolution, computed in float64."""
        ...


def with_weights(
    layer: keras.layers.Layer, input_shape: tuple[int | None, ...], weights: Sequence[Float64Array]
) -> keras.layers.Layer:
    """Builds a stock layer for inputs of `input_shape`, gives it `weights` and returns it."""
    layer.build(input_shape)
    layer.set_weights([array.astype("float32") for array in weights])
    return layer


def model_of(
    function: Callable[[Any], Any], input_shape: tuple[int | None, ...], name: str
) -> keras.Model:
    """Returns operations of `keras.ops` on a tensor as a layer with a name: a model of them."""
    inputs = keras.Input((None,) * (len(input_shape) - 1))
    return keras.Model(inputs, function(inputs), name=name)


def to_float64(variable: Any) -> Float64Array:
    """Returns the value of a variable or tensor as a float64 array."""
    # The cast makes a tensor: NumPy 2 warns of Keras variables.
    array: Float64Array = ops.convert_to_numpy(ops.cast(variable, variable.dtype)).astype("float64")
    return array


def constants_of(normalization: keras.layers.BatchNormalization) -> Normalization:
    """Reads the constants that `normalization` normalises with in inference."""
    mean = to_float64(normalization.moving_mean)
    return Normalization(
        gamma=to_float64(normalization.gamma) if normalization.scale else np.ones_like(mean),
        beta=to_float64(normalization.beta) if normalization.center else np.zeros_like(mean),
        mean=mean,
        variance=to_float64(normalization.moving_variance),
    )


def scale_and_offset(
    gamma: Any, beta: Any, mean: Any, variance: Any, epsilon: float
) -> tuple[Any, Any]:
    """Returns the factor and the offset of a normalisation with constant statistics.

    Takes NumPy arrays as well as tensors, of any shape that they share.
    """
    scale = gamma / (variance + epsilon) ** 0.5
    return scale, beta - mean * scale
