"""A Keras 3 model from its description."""

from typing import TYPE_CHECKING, Any

from tflite_tools.graph_spec.structure import Call, GraphInput, GraphSpec, Node, Reference, mapped

if TYPE_CHECKING:
    import keras


def build(spec: GraphSpec, batch_size: int | None = None) -> "keras.Model":
    """Makes the model that a description is of, with its weights, on the running backend.

    Args:
        spec: From `describe` or `load`.
        batch_size: The static batch size of all inputs; None for any.

    Returns:
        A functional `keras.Model`; with one input or output it takes or gives a plain tensor.

    Raises:
        ValueError: A layer does not take the batch size.
    """
    import keras

    import keras_finet  # noqa: F401  (registers its layers with Keras)
    from keras_finet.graph import set_weights

    inputs = [_input_config(entry, batch_size) for entry in spec.inputs]
    config = {
        "name": spec.name,
        "trainable": True,
        "layers": [*inputs, *(_node_config(node) for node in spec.nodes)],
        "input_layers": _one_or_all([[entry.name, 0, 0] for entry in spec.inputs]),
        "output_layers": _one_or_all([_history(reference) for reference in spec.outputs]),
    }
    model = keras.Model.from_config(config)
    operations = {operation.name: operation for operation in model.operations}
    for node in spec.nodes:
        if node.weights:
            set_weights(operations[node.name], node.weights)
    return model


def _input_config(entry: GraphInput, batch_size: int | None) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "registered_name": None,
        "name": entry.name,
        "config": {
            "batch_shape": [batch_size, *entry.shape],
            "dtype": entry.dtype,
            "name": entry.name,
        },
        "inbound_nodes": [],
    }


def _node_config(node: Node) -> dict[str, Any]:
    return {
        "module": node.module,
        "class_name": node.class_name,
        "registered_name": node.registered_name,
        "name": node.name,
        "config": dict(node.config),
        "inbound_nodes": [_call_config(call) for call in node.calls],
    }


def _call_config(call: Call) -> dict[str, Any]:
    def revive(part: Any) -> Any:
        if not isinstance(part, Reference):
            return part
        # Keras looks the tensor up by its history: shape and type are those of what it finds.
        config = {"shape": [], "dtype": "float32", "keras_history": _history(part)}
        return {"class_name": "__keras_tensor__", "config": config}

    return {"args": mapped(call.args, revive), "kwargs": mapped(call.kwargs, revive)}


def _history(reference: Reference) -> list[Any]:
    return [reference.node, reference.call, reference.output]


def _one_or_all(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items
