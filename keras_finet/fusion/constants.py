"""The factor and the offset of the stock layers that fold into the convolution before them."""

import keras
import numpy as np

from keras_finet.layers.fold import Float64Array, constants_of, scale_and_offset
from keras_finet.planning import RefusalError

Constants = tuple[Float64Array, Float64Array]


def constants_after(layer: keras.layers.Layer, convolution: keras.layers.Layer) -> Constants:
    """Returns factor and offset of a layer behind `convolution`, each for all or each channel.

    Args:
        layer: A `BatchNormalization` or a `Rescaling`.
        convolution: The layer that makes its inputs, or one of the summands.
    """
    if isinstance(layer, keras.layers.Rescaling):
        return rescaling_constants(layer, convolution)
    return scale_and_offset(*constants_of(layer), layer.epsilon)


def only_adds(layer: keras.layers.Layer) -> bool:
    """Tells whether a layer is a `Rescaling` by 1."""
    return isinstance(layer, keras.layers.Rescaling) and bool(np.all(np.equal(layer.scale, 1.0)))


def rescaling_constants(
    rescaling: keras.layers.Rescaling, convolution: keras.layers.Layer
) -> Constants:
    """Returns the factor and the offset of a `Rescaling`, each one number or one a channel.

    Raises:
        RefusalError: if there are others, such as one for each pixel.
    """
    shape = convolution.output.shape
    axis = 1 if getattr(convolution, "data_format", None) == "channels_first" else -1
    ones = [1] * len(shape)
    ones[axis] = shape[axis]
    scale, offset = (np.asarray(value, "float64") for value in (rescaling.scale, rescaling.offset))
    if scale.ndim and keras.config.image_data_format() == "channels_first":
        # As Keras does, with the factor and not with the offset.
        scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
    return _by_channel(scale, ones), _by_channel(offset, ones)


def _by_channel(values: Float64Array, channels: list[int]) -> Float64Array:
    """Returns `values` as one number or a vector of those that broadcast to a shape of ones."""
    if values.size == 1:
        return values.reshape(())
    padded = (1,) * (len(channels) - values.ndim) + values.shape
    if padded != tuple(channels):
        raise RefusalError(f"it has numbers of shape {values.shape}, not one for each channel")
    return values.reshape(-1)
