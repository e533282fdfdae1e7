"""From a description to a tf_keras model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import Call, GraphSpec, Node, Reference
from tflite_tools.graph_spec.structure import mapped
from tflite_tools.mirror.layers import layer_for
from tflite_tools.mirror.separating import separated

Wrap = Callable[[Node, Any], Any]


@dataclass(frozen=True)
class Mirror:
    """A network in tf_keras.

    Attributes:
        model: The functional `tf_keras.Model`.
        weights: The variables of every node that has any, in the order of its `weights`.
    """

    model: Any
    weights: Mapping[str, tuple[Any, ...]]


def build(
    spec: GraphSpec,
    *,
    batch_size: int | None = None,
    wrap: Wrap = lambda node, layer: layer,
    outputs: tuple[Reference, ...] | None = None,
) -> Mirror:
    """Builds the tf_keras model that a description is of, with its weights.

    Args:
        spec: From `graph_spec.describe` or `graph_spec.load`.
        batch_size: The static batch size of all inputs; None for any.
        wrap: Function of a node and its layer, built and with weights, that returns the layer to
            call in its place.
        outputs: What the model returns in place of the description's own outputs.

    Raises:
        ToolError: tf_keras has no counterpart for a layer; the message names it.
    """
    import tf_keras

    # tf_keras has other functions under some of their names.
    spec = separated(spec)
    inputs = [
        tf_keras.Input(entry.shape, batch_size, name=entry.name, dtype=entry.dtype)
        for entry in spec.inputs
    ]
    builder = _Builder(spec, dict(zip([entry.name for entry in spec.inputs], inputs, strict=True)))
    builder.run(wrap)
    wanted = [builder.tensor(reference) for reference in outputs or spec.outputs]
    model = tf_keras.Model(_one_or_all(inputs), _one_or_all(wanted), name=spec.name)
    return Mirror(model, builder.weights)


class _Builder:
    def __init__(self, spec: GraphSpec, inputs: Mapping[str, Any]) -> None:
        self.spec = spec
        self.tensors: dict[tuple[str, int], tuple[Any, ...]] = {
            (name, 0): (tensor,) for name, tensor in inputs.items()
        }
        self.weights: dict[str, tuple[Any, ...]] = {}
        self.layers: dict[str, Any] = {}

    def run(self, wrap: Wrap) -> None:
        """Makes all calls; a shared layer's later ones may have to wait for other nodes."""
        waiting = [(node, index) for node in self.spec.nodes for index in range(len(node.calls))]
        while waiting:
            later = [each for each in waiting if not self._call(*each, wrap)]
            if len(later) == len(waiting):
                raise ToolError(f"{self.spec.name}: the graph of layers is circular.")
            waiting = later

    def tensor(self, reference: Reference) -> Any:
        return self.tensors[reference.node, reference.call][reference.output]

    def _call(self, node: Node, index: int, wrap: Wrap) -> bool:
        """Makes one call if all that it reads is there."""
        call = node.calls[index]
        if not all((each.node, each.call) in self.tensors for each in call.inputs):
            return False
        arguments = self._arguments(call)
        if node.name not in self.layers:
            self.layers[node.name] = wrap(node, self._made(node, arguments))
        outputs = self.layers[node.name](arguments)
        flat = tuple(outputs) if isinstance(outputs, list | tuple) else (outputs,)
        self.tensors[node.name, index] = flat
        return True

    def _arguments(self, call: Call) -> Any:
        """What the layer is called on: a tensor, a list of them, or a tuple of all arguments."""

        def resolve(part: Any) -> Any:
            return self.tensor(part) if isinstance(part, Reference) else part

        args = mapped(call.args, resolve)
        return args[0] if len(args) == 1 else args

    def _made(self, node: Node, arguments: Any) -> Any:
        import tensorflow as tf

        layer = layer_for(node, self.spec.name)
        if node.weights:
            layer.build(tf.nest.map_structure(lambda tensor: tensor.shape, arguments))
            layer.set_weights(node.weights)
            self.weights[node.name] = tuple(layer.weights)
            if node.class_name == "Normalization":
                layer.finalize_state()
        return layer


def _one_or_all(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items
