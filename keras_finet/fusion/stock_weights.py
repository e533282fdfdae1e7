"""Weights of the stock layers that a normalisation folds into, filter by filter."""

import keras
import numpy as np

from keras_finet.layers.fold import ConvWeights, Float64Array


def stock_weights(layer: keras.layers.Layer) -> ConvWeights:
    """Returns kernel and bias of a `Conv2D`, `DepthwiseConv2D` or `Dense`; no bias is zeros."""
    kernel, *bias = (array.astype("float64") for array in layer.get_weights())
    return ConvWeights(kernel, bias[0] if bias else np.zeros(np.prod(filter_shape(kernel, layer))))


def filter_shape(kernel: Float64Array, layer: keras.layers.Layer) -> tuple[int, ...]:
    """Returns the trailing axes of `kernel` that together number the output channels."""
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return kernel.shape[-2:] if is_depthwise else kernel.shape[-1:]


def filter_norms(kernel: Float64Array, layer: keras.layers.Layer) -> Float64Array:
    """Returns the Euclidean norm of the kernel of each output channel."""
    filters = kernel.reshape(-1, np.prod(filter_shape(kernel, layer), dtype=int))
    norms: Float64Array = np.linalg.norm(filters, axis=0)
    return norms
