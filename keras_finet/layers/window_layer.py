"""What layers share that move a window of weights over images."""

from typing import Any

import keras
from keras import activations, ops, regularizers

from keras_finet.layers.arguments import checked_data_format, choice, pair
from keras_finet.layers.channels import Shape, Tensor


class WindowLayer(keras.layers.Layer):
    """Arguments and shapes that `Conv2D` and `DepthwiseConv2D` have in common.

    The arguments have the names, the meaning and the defaults that they have there. Inside,
    everything is channels-last. A subclass has a `_kernel_shape`, makes the kernel with
    `_add_kernel`, and says in `_convolve` what is done with it.

    Raises:
        ValueError: for an argument out of its range.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        activation: Any = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = choice("padding", padding, ("valid", "same"))
        self.data_format = checked_data_format(data_format)
        self.dilation_rate = pair("dilation_rate", dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "Expected `strides` or `dilation_rate` to be 1. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.activation = activations.get(activation)

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _input_channels(self, input_shape: Shape) -> int:
        if len(input_shape) != 4:
            raise ValueError(
                f"Layer {self.name!r} expects a batch of images, 4 dimensions. Received: "
                f"input_shape={input_shape}"
            )
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.name!r} expects a known number of channels. Received: "
                f"input_shape={input_shape} with data_format={self.data_format!r}"
            )
        return channels

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        raise NotImplementedError

    def _convolve(self, inputs: Tensor, kernel: Tensor, data_format: str = "channels_last") -> Any:
        raise NotImplementedError

    def _add_kernel(self, input_shape: Shape, **options: Any) -> None:
        """Creates the kernel for inputs of `input_shape`; `options` are those of `add_weight`."""
        channels = self._input_channels(input_shape)
        self.input_spec = keras.InputSpec(ndim=4, axes={self._channel_axis: channels})
        self.compute_output_shape(input_shape)
        # Without autocast: a subclass computes with the kernel in full precision and casts itself.
        self.kernel = self.add_weight(
            name="kernel", shape=self._kernel_shape(channels), autocast=False, **options
        )

    def _to_channels_last(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_last":
            return inputs
        return ops.transpose(inputs, (0, 2, 3, 1))

    def _from_channels_last(self, outputs: Tensor) -> Tensor:
        if self.data_format == "channels_last":
            return outputs
        return ops.transpose(outputs, (0, 3, 1, 2))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the outputs; raises ValueError where they would be empty."""
        kernel_shape = self._kernel_shape(self._input_channels(input_shape))
        outputs = self._convolve(
            keras.KerasTensor(input_shape), keras.KerasTensor(kernel_shape), self.data_format
        )
        return tuple(outputs.shape)

    def _check_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"Expected layer {self.name!r} to be built. Call it on an input, or its `build` "
                "with an input shape, before `fold`."
            )

    def _window_config(self) -> dict[str, Any]:
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, serialised."""
        return {
            **super().get_config(),
            **self._window_config(),
            "activation": activations.serialize(self.activation),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
