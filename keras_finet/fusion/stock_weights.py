"""Weights of the stock layers that others fold into, filter by filter."""

import keras
import numpy as np

from keras_finet.layers import FoldableConvolution
from keras_finet.layers.fold import ConvWeights, Float64Array


def convolution_weights(layer: keras.layers.Layer) -> ConvWeights:
    """Returns the weights that a stock or foldable convolution convolves with in inference."""
    return layer.fold() if isinstance(layer, FoldableConvolution) else stock_weights(layer)


def stock_weights(layer: keras.layers.Layer) -> ConvWeights:
    """Returns kernel and bias of a `Conv2D`, `DepthwiseConv2D` or `Dense`; no bias is zeros."""
    kernel, *bias = (array.astype("float64") for array in layer.get_weights())
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    channels = np.prod(kernel.shape[-2:] if is_depthwise else kernel.shape[-1:])
    return ConvWeights(kernel, bias[0] if bias else np.zeros(channels))


def filter_shape(weights: ConvWeights) -> tuple[int, ...]:
    """Returns the trailing axes of the kernel that together number the output channels."""
    kernel, bias = weights
    return kernel.shape[-1:] if kernel.shape[-1] == bias.size else kernel.shape[-2:]


def filter_norms(weights: ConvWeights) -> Float64Array:
    """Returns the Euclidean norm of the kernel of each output channel."""
    filters = weights.kernel.reshape(-1, weights.bias.size)
    norms: Float64Array = np.linalg.norm(filters, axis=0)
    return norms
