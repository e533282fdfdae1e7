"""The network with int8 rounding in it, on tfmot's wrappers and quantizers, in tf_keras."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from tflite_tools.graph_spec import GraphSpec, Node
from tflite_tools.mirror import Mirror, build
from tflite_tools.quantization_aware.points import fixed_range, rounded_nodes

_keras: Any = tfmot.quantization.keras
# The attributes that hold kernels: the order of axes that ends with the output channels, and how
# many axes number those.
_KERNELS: dict[str, dict[str, tuple[tuple[int, ...], int]]] = {
    "Conv2D": {"kernel": ((0, 1, 2, 3), 1)},
    "Conv2DTranspose": {"kernel": ((0, 1, 3, 2), 1)},
    "Dense": {"kernel": ((0, 1), 1)},
    "DepthwiseConv2D": {"depthwise_kernel": ((0, 1, 2, 3), 2)},
    "SeparableConv2D": {
        "depthwise_kernel": ((0, 1, 2, 3), 2),
        "pointwise_kernel": ((0, 1, 2, 3), 1),
    },
}


@dataclass(frozen=True)
class QuantizedMirror:
    """A mirror that rounds as an int8 graph does.

    Attributes:
        mirror: The model; its variables train.
        ranges: The ranges of the rounded tensors that the data decides on, by node.
    """

    mirror: Mirror
    ranges: "Mapping[str, ActivationRange]"


def build_quantized(spec: GraphSpec) -> QuantizedMirror:
    """Builds a network that rounds kernels per channel, and activations where TFLite does.

    Args:
        spec: A graph as `points.prepared` makes it.
    """
    rounded = set(rounded_nodes(spec))
    ranges: dict[str, ActivationRange] = {}

    def wrap(node: Node, layer: Any) -> Any:
        kernels = [
            (name, ChannelQuantizer(order, count))
            for name, (order, count) in _KERNELS.get(node.class_name, {}).items()
        ]
        output = None
        if node.name in rounded:
            output = ActivationRange(fixed_range(node))
            if fixed_range(node) is None:
                ranges[node.name] = output
        if node.class_name == "BatchNormalization":
            layer.trainable = False  # with the moving statistics, as it is deployed
        if not kernels and output is None:
            return layer
        return _keras.QuantizeWrapperV2(layer, _LayerConfig(kernels, output))

    return QuantizedMirror(build(spec, wrap=wrap), ranges)


class ChannelQuantizer(_keras.quantizers.LastValueQuantizer):
    """Rounds a kernel to int8 with one symmetric scale for each output channel.

    tfmot's own takes the last axis for the channels, which of a depthwise kernel `(height, width,
    channels, multiplier)` is the wrong one: all channels then share a scale.

    Args:
        order: The order of the kernel's axes that ends with those of the output channels.
        count: How many axes those are.
    """

    def __init__(self, order: tuple[int, ...], count: int) -> None:
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)
        self._order = order
        self._count = count

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Makes the variables for a kernel of that shape."""
        sides = [int(tensor_shape[axis]) for axis in self._order[-self._count :]]
        return super().build(tf.TensorShape([None, int(np.prod(sides))]), name, layer)

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        """Rounds the kernel, in evaluation too by the range that it has now."""
        ordered = tf.transpose(inputs, self._order)
        channels = int(np.prod(ordered.shape[-self._count :]))
        matrix = super().__call__(tf.reshape(ordered, (-1, channels)), True, weights, **kwargs)
        return tf.transpose(tf.reshape(matrix, ordered.shape), np.argsort(self._order))


class ActivationRange(_keras.quantizers.Quantizer):
    """Rounds a tensor to int8 in a range that does not move by itself.

    Args:
        fixed: The range, if no data decides on it.
    """

    def __init__(self, fixed: tuple[float, float] | None = None) -> None:
        self._fixed = fixed
        self._variables: list[Any] = []

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Makes the variables of the range."""
        for end, value in zip(("min", "max"), self._fixed or (-1.0, 1.0), strict=True):
            initializer = tf_keras.initializers.Constant(value)
            variable = layer.add_weight(f"{name}_{end}", (), None, initializer, trainable=False)
            self._variables.append(variable)
        return dict(zip(("min_var", "max_var"), self._variables, strict=True))

    def set(self, smallest: float, largest: float) -> None:
        """Sets the range, with zero in it."""
        for variable, value in zip(
            self._variables, (min(smallest, 0.0), max(largest, 0.0)), strict=True
        ):
            variable.assign(value)

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        """Rounds the tensor."""
        return tf.quantization.fake_quant_with_min_max_vars(
            inputs, weights["min_var"], weights["max_var"]
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {"fixed": self._fixed}


class _LayerConfig(_keras.QuantizeConfig):
    """Which kernels of a layer are rounded, and whether its output is."""

    def __init__(
        self, kernels: list[tuple[str, ChannelQuantizer]], output: ActivationRange | None
    ) -> None:
        self._kernels = kernels
        self._output = output

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return [(getattr(layer, name), quantizer) for name, quantizer in self._kernels]

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        for (name, _), weight in zip(self._kernels, quantize_weights, strict=True):
            setattr(layer, name, weight)

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """There are none: activations are layers of their own."""

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return [] if self._output is None else [self._output]

    def get_config(self) -> dict[str, Any]:
        return {"kernels": self._kernels, "output": self._output}
