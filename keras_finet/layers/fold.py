"""What a layer must offer to be deployed as one plain convolution, and the algebra of it.

A normalisation with constant statistics is one factor and one offset a filter,

    n(z) = z * s + (beta - mean * s)        with s = gamma / sqrt(variance + epsilon),

so normalising the output of a convolution scales its kernel and moves its bias. Groups of input
channels that are normalised apart (arXiv 2005.06828, eq. 9) scale the rows of the kernel that read
them, each by its own factor, and add up their offsets.
"""

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
            in_channels, filters)` for `Conv2D`.
        bias: Array of shape `(filters,)`.
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
    """A layer that in inference equals one `keras.layers.Conv2D`.

    `keras_finet.fuse` replaces any layer that satisfies this protocol and knows nothing else of it.
    The attributes have the names and the meaning that they have in `Conv2D`.
    """

    name: str
    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    padding: str
    data_format: str
    dilation_rate: tuple[int, int]
    activation: Any

    def fold(self) -> ConvWeights:
        """Returns the weights of the equal convolution, computed in float64."""
        ...


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
