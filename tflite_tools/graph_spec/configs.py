"""What of a layer's configuration deployment needs, and what it cannot take."""

from collections.abc import Iterator, Mapping
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec.names import fit_name

# Keras writes its own functions as plain names, and anybody else's as "builtins".
_OURS = ("keras", "keras_finet")
# Layers of Keras that hold a user's code or a file of his.
_CODE = ("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper")
_PENALTIES = ("_regularizer", "_constraint")
_ZEROS: dict[str, Any] = {
    "module": "keras.initializers",
    "class_name": "Zeros",
    "config": {},
    "registered_name": None,
}


def refuse_foreign(model: str, layer: str, entry: Mapping[str, Any]) -> None:
    """Refuses a layer that another process could not make.

    Args:
        model: The model's name, for the message.
        layer: The layer's name.
        entry: The layer as Keras serialises it.
    """
    kept = {**entry, "config": deployed_config(entry["config"]), "inbound_nodes": ()}
    for module, name in _classes(kept):
        if name in _CODE:
            problem = f"the layer {layer!r} with a {name}, whose code cannot be described"
        elif module.split(".")[0] not in _OURS:
            problem = f"the layer {layer!r} with {name} of {module}"
        else:
            continue
        raise ToolError(
            f"{model}: expected layers and functions of Keras and keras_finet only, got {problem}. "
            "Replace it by stock layers or by operations of keras.ops on the tensors."
        )


def refuse_foreign_layers(model: str, config: Mapping[str, Any]) -> None:
    """The same for every layer of a functional or Sequential model's own configuration."""
    for entry in config["layers"]:
        inner = entry["config"]
        if isinstance(inner, Mapping) and "layers" in inner:
            refuse_foreign_layers(model, inner)
        else:
            refuse_foreign(model, inner.get("name", entry["class_name"]), entry)


def deployed_config(config: Any) -> Any:
    """A configuration without what only training uses, with names that TensorFlow takes.

    Also inside wrappers, which hold whole layers and models. Initialisers become zeros, which
    take no time: the weights are set afterwards.
    """
    if isinstance(config, list | tuple):
        return type(config)(deployed_config(item) for item in config)
    if not isinstance(config, Mapping):
        return config
    return {key: _deployed_entry(key, value) for key, value in config.items()}


def _deployed_entry(key: str, value: Any) -> Any:
    if key.endswith("_initializer"):
        return None if value is None else _ZEROS
    if key.endswith(_PENALTIES):
        return None
    if key == "name" and isinstance(value, str):
        return fit_name(value)
    if key in ("keras_history", "input_layers", "output_layers"):
        return _fit_histories(value)
    return deployed_config(value)


def _fit_histories(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _fit_histories(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fit_histories(item) for item in value)
    return fit_name(value) if isinstance(value, str) else value


def _classes(value: Any) -> Iterator[tuple[str, str]]:
    """The module and name of every class and function in a serialised layer."""
    if isinstance(value, Mapping):
        if "module" in value and "class_name" in value:
            yield value["module"] or "__main__", _described(value)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _classes(item)


def _described(entry: Mapping[str, Any]) -> str:
    kind = entry["class_name"]
    return f"function {entry['config']}" if kind == "function" else kind
