"""What layers share that have numbers for each channel."""

from typing import Any

import keras
from keras import ops

from keras_finet.layers.arguments import checked_data_format
from keras_finet.layers.channels import Shape, Tensor, by_channel
from keras_finet.layers.fold import Float64Array


class ChannelLayer(keras.layers.Layer):
    """An activation with learned numbers for each channel; its outputs have its inputs' shape.

    Raises:
        ValueError: for another `data_format`, or (when built) for an unknown number of channels.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format)

    def _add_channel_weight(self, input_shape: Shape, name: str, **options: Any) -> Any:
        shape = by_channel(input_shape, self.data_format)
        return self.add_weight(name=name, shape=(shape[0],), autocast=False, **options)

    def _by_channel(self, variable: Any, inputs: Tensor) -> Tensor:
        shape = by_channel(inputs.shape, self.data_format)
        return ops.reshape(ops.cast(variable, inputs.dtype), shape)

    def _offset(self, offset: Float64Array, input_shape: Shape, name: str) -> keras.layers.Layer:
        """Returns the stock layer that adds a number to each channel."""
        values = offset.astype("float32").reshape(by_channel(input_shape, self.data_format))
        return keras.layers.Rescaling(1.0, values.tolist(), name=name)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {**super().get_config(), "data_format": self.data_format}
