"""Reading and copying Keras graphs through their public configuration.

`Graph` holds a functional model as plain data: which layer is called on what.
`copy_model` builds the model anew, with its weights, and lets the caller replace layers on the way.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import keras
from numpy.typing import NDArray

Operation = Any
# What stands in the place of a layer: another, several one after another, or None for a copy.
Replacement: TypeAlias = keras.layers.Layer | list[keras.layers.Layer] | None


class Source(NamedTuple):
    """The output of the `call`-th call of `layer` in a graph."""

    layer: str
    call: int


@dataclass(frozen=True)
class Call:
    """One call of a layer: whose outputs it reads, and its keyword arguments."""

    source: Source
    inputs: tuple[Source, ...]
    keywords: Mapping[str, Any]


class Graph:
    """The calls of a functional model in an order in which they can run.

    Attributes:
        operations: Layers (and bare operations) by name.
        calls: Calls in topological order.
        outputs: Sources of the model's outputs.
    """

    def __init__(self, model: keras.Model) -> None:
        self.operations: dict[str, Operation] = {op.name: op for op in model.operations}
        for operation in model.operations:
            _config_of(operation)
        config = model.get_config()
        self.calls: list[Call] = [
            Call(Source(entry["name"], index), tuple(_sources(node)), node["kwargs"])
            for entry in config["layers"]
            for index, node in enumerate(entry["inbound_nodes"])
        ]
        self.outputs: set[Source] = {
            Source(name, call) for name, call, _ in _histories(config["output_layers"])
        }

    def calls_of(self, layer: str) -> list[Call]:
        """Returns the calls of `layer` in this graph."""
        return [call for call in self.calls if call.source.layer == layer]

    def readers(self, source: Source) -> list[str]:
        """Returns the names of what reads `source`; a model output reads as `"the output"`."""
        layers = [
            call.source.layer for call in self.calls for _ in range(call.inputs.count(source))
        ]
        return [*layers, "the output"] if source in self.outputs else layers


def as_functional(model: keras.Model) -> keras.Model:
    """Returns `model` as an uncompiled functional model on the same layers.

    Args:
        model: A functional or a built Sequential model. It is not changed.

    Raises:
        ValueError: if `model` has no graph of layers.
    """
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise ValueError(
                "Expected a Sequential model that knows its input shape. Received: "
                f"{model.name!r}, not built. Give it a `keras.Input` first, or call it on an "
                "example."
            )
        if has_graph(model):
            return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    elif has_graph(model):
        return keras.Model(model.input, model.output, name=model.name)
    raise ValueError(
        "Expected a functional or Sequential Keras model. Received: "
        f"{getattr(model, 'name', model)!r} of class {type(model).__name__}, whose graph of layers "
        "cannot be read. Build it as `keras.Model(inputs, outputs)`, or transform its functional "
        "parts one by one."
    )


def has_graph(layer: Operation) -> bool:
    """Tells whether `layer` is a model that does what its graph of layers says and no more."""
    if not isinstance(layer, keras.Model) or not isinstance(
        layer, keras.Sequential | keras.Function
    ):
        return False
    own_call = type(layer).call
    return bool(own_call.__module__.startswith("keras."))


def layers_inside(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yields the layers of a functional or Sequential model and of what is nested in it."""
    for layer in model.layers:
        yield layer
        inner = layer.layer if isinstance(layer, keras.layers.Wrapper) else layer
        if has_graph(inner):
            yield from layers_inside(inner)
        elif inner is not layer:
            yield inner


def copy_model(
    model: keras.Model,
    *,
    replace: Callable[[Operation], Replacement] = lambda operation: None,
    bypass: frozenset[str] = frozenset(),
    on_call: Callable[[Operation, Any], None] = lambda operation, outputs: None,
    dtype: str | None = None,
    batch_size: int | None = None,
) -> keras.Model:
    """Builds a functional copy of `model` that shares nothing with it.

    Args:
        model: A functional or a built Sequential model. It is not changed.
        replace: Function of a layer that returns what stands in its place, with its weights: a
            layer, or several that are called one after another; or None to copy the layer.
        bypass: Names of layers whose (only) input takes the place of their output.
        on_call: Function that is told of every call in the copy: the copy's operation and its
            symbolic outputs.
        dtype: Dtype policy of every floating-point layer of the copy. Defaults to each layer's own.
        batch_size: Static batch size of the copy's inputs. Defaults to the inputs' own.

    Returns:
        A functional `keras.Model` of the same name and structure, uncompiled.

    Raises:
        ValueError: if `model` has no graph of layers, or a layer cannot be copied.
    """
    original = as_functional(model)
    copied: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []
    # By the name of the first of several layers, those that follow it.
    following: dict[str, list[keras.layers.Layer]] = {}

    def clone(operation: Operation) -> Operation:
        if operation.name in bypass:
            return keras.layers.Identity(name=operation.name)
        replacement = replace(operation)
        if isinstance(replacement, list):
            first, *following[replacement[0].name] = replacement
            return first
        if replacement is not None:
            return replacement
        if has_graph(operation):
            return copy_model(operation, dtype=dtype)
        new = _clone_operation(operation, dtype)
        if isinstance(operation, keras.layers.Layer):
            copied.append((operation, new))
        return new

    def call(operation: Operation, *args: Any, **kwargs: Any) -> Any:
        if operation.name in bypass:
            return keras.tree.flatten((args, kwargs))[0]
        outputs = operation(*args, **kwargs)
        on_call(operation, outputs)
        for layer in following.get(operation.name, ()):
            outputs = layer(outputs)
            on_call(layer, outputs)
        return outputs

    copy = keras.models.clone_model(
        original,
        input_tensors=_new_inputs(original, dtype, batch_size),
        clone_function=clone,
        call_function=call,
    )
    for old, new in copied:
        _copy_weights(old, new)
    if not model.trainable:
        _copy_freezing(model, copy)
    return copy


def _sources(node: Any) -> Iterator[Source]:
    """Yields the sources of every tensor in the serialised arguments of a call."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            layer, call, _ = node["config"]["keras_history"]
            yield Source(layer, call)
            return
        node = list(node.values())
    if isinstance(node, list | tuple):
        for item in node:
            yield from _sources(item)


def _histories(outputs: Any) -> Iterator[tuple[str, int, int]]:
    """Yields the `[layer, call, tensor]` triples of a nested structure of outputs."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if outputs and isinstance(outputs[0], str):
        yield tuple(outputs)
        return
    for output in outputs:
        yield from _histories(output)


def _new_inputs(model: keras.Model, dtype: str | None, batch_size: int | None) -> Any:
    names = {
        id(layer.output): layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.InputLayer)
    }

    def new_input(tensor: Any) -> Any:
        batch = tensor.shape[0] if batch_size is None else batch_size
        return keras.Input(
            batch_shape=(batch, *tensor.shape[1:]),
            dtype=_dtype_name(tensor.dtype, dtype),
            name=names[id(tensor)],
        )

    return keras.tree.map_structure(new_input, model.input)


def _config_of(operation: Operation) -> dict[str, Any]:
    try:
        config: dict[str, Any] = operation.get_config()
    except (NotImplementedError, TypeError, ValueError) as error:
        raise _not_configurable(operation, error) from error
    return config


def _clone_operation(operation: Operation, dtype: str | None) -> Operation:
    config = _config_of(operation)
    if dtype is not None:
        config = _with_dtype(config, dtype)
        if not isinstance(operation, keras.layers.Layer) and isinstance(config.get("dtype"), str):
            # A cast in the graph.
            config = {**config, "dtype": _dtype_name(config["dtype"], dtype)}
    # A Lambda's code is in memory already: nothing is run that the model does not run itself.
    trusted = {"safe_mode": False} if isinstance(operation, keras.layers.Lambda) else {}
    try:
        return type(operation).from_config(config, **trusted)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise _not_configurable(operation, error) from error


def _not_configurable(operation: Operation, error: Exception) -> ValueError:
    reason = textwrap.shorten(str(error), 400)
    return ValueError(
        f"Expected layers that can be made again from their configuration. Received: layer "
        f"{operation.name!r} of class {type(operation).__name__}, which says: {reason} "
        "- give it `get_config` (and `from_config`), or replace it by stock layers."
    )


def _with_dtype(config: Any, dtype: str) -> Any:
    """Replaces the floating-point dtype policies in a layer's configuration."""
    if isinstance(config, list):
        return [_with_dtype(item, dtype) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        name = _dtype_name(config["config"]["name"], dtype)
        return {**config, "config": {**config["config"], "name": name}}
    return {key: _with_dtype(value, dtype) for key, value in config.items()}


def _dtype_name(name: str, dtype: str | None) -> str:
    return dtype if dtype is not None and "float" in name else name


def set_weights(layer: keras.layers.Layer, weights: Sequence[NDArray[Any]]) -> None:
    """Sets a layer's weights and what it derives from them, which Keras' own method leaves."""
    layer.set_weights(weights)
    inner = layer.layer if isinstance(layer, keras.layers.Wrapper) else layer
    for each in layers_inside(inner) if has_graph(inner) else [inner]:
        if isinstance(each, keras.layers.Normalization):
            each.finalize_state()


def _copy_weights(old: keras.layers.Layer, new: keras.layers.Layer) -> None:
    try:
        set_weights(new, old.get_weights())
    except ValueError as error:
        raise ValueError(
            f"Expected the copy of layer {old.name!r} ({type(old).__name__}) to take the layer's "
            f"weights. Received: {error} Make its `build` create the weights that it has."
        ) from error


def _copy_freezing(old: keras.Model, new: keras.Model) -> None:
    """Freezes the model `new` as `old` is, and then in it what is frozen in `old`."""
    # Keras takes `new.trainable = True` for no change in a model that does not know it is frozen.
    new.trainable = old.trainable
    copies = {layer.name: layer for layer in new.layers}
    for layer in old.layers:
        copy = copies.get(layer.name)
        if has_graph(layer) and has_graph(copy):
            _copy_freezing(layer, copy)
        elif copy is not None:
            copy.trainable = layer.trainable
