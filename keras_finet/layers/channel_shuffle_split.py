"""`ChannelShuffleSplit`: what stands between two units of a ShuffleNetV2."""

from typing import Any

import keras
from keras import ops

from keras_finet.layers.channels import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_finet")
class ChannelShuffleSplit(keras.layers.Layer):
    """Channel shuffle with two groups, then channel split.

    Of channels `a0 a1 … b0 b1 …` the shuffle makes `a0 b0 a1 b1 …` and the split two halves. The
    first output is the first half. The second one is the other half in the order `a… b…`: a
    convolution reads it, which can take any order, and so half the data need not be transposed.
    No tensor has more than 4 dimensions, the most that mobile GPUs take.

    Reference: [Ma et al., 2018](https://arxiv.org/abs/1807.11164), section 3.2 and Figure 3.

    Args:
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Batch of images with a number of channels that is a multiple of 4.

    Raises:
        ValueError: (when built) for another number of channels.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = keras.config.image_data_format() if data_format is None else data_format

    @property
    def _channel_axis(self) -> int:
        return 3 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Shape) -> None:
        """Checks the number of channels."""
        channels = input_shape[self._channel_axis]
        if channels is None or channels % 4:
            raise ValueError(
                f"Layer {self.name!r} expects a multiple of 4 channels. Received: input_shape="
                f"{input_shape} with data_format={self.data_format!r}"
            )

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the half that a unit keeps and the one that it works on."""
        shape = list(ops.shape(inputs))
        half = inputs.shape[self._channel_axis] // 2
        kept = half // 2
        shape[0], shape[self._channel_axis] = -1, half
        if self.data_format == "channels_last":
            groups, order = ops.reshape(inputs, (-1, shape[1] * shape[2], 2, half)), (0, 1, 3, 2)
            first, second = groups[:, :, :, :kept], groups[:, :, :, kept:]
        else:
            groups, order = ops.reshape(inputs, (-1, 2, half, shape[2] * shape[3])), (0, 2, 1, 3)
            first, second = groups[:, :, :kept], groups[:, :, kept:]
        return ops.reshape(ops.transpose(first, order), shape), ops.reshape(second, shape)

    def compute_output_shape(self, input_shape: Shape) -> tuple[Shape, Shape]:
        """Returns the shapes of the two halves."""
        shape = list(input_shape)
        shape[self._channel_axis] //= 2  # type: ignore[operator]
        return tuple(shape), tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {**super().get_config(), "data_format": self.data_format}
