"""Whether the weights in a file are those of a model, and the reason when they are not."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import keras
from keras.layers import Layer

from keras_finet.applications.weights_file import StoredLayer
from keras_finet.layers import FineGrainedBatchNorm

NORMALIZATIONS = (keras.layers.BatchNormalization, FineGrainedBatchNorm)
STORED_NORMALIZATIONS = ("batch_normalization", "fine_grained_batch_norm")
# Arguments that change what a layer computes but not the shapes of its weights.
SETTINGS = ("strides", "padding", "dilation_rate", "epsilon")
NAMES_SHOWN = 3


def own_shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of what a layer itself puts into a weights file, by key."""
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    return {key: tuple(variable.shape) for key, variable in store.items()}


def check_fit(
    wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer], head: Collection[str]
) -> None:
    """Checks that a file has the weights of all wanted layers, trained in such a network.

    Args:
        wanted: The layers that are to get weights, by their names in `open_weights`.
        stored: What `open_weights` gives.
        head: Names of the layers that could be skipped.

    Raises:
        ValueError: if not, with what was received and what to do.
    """
    common = [name for name in wanted if name in stored]
    if not common:
        raise ValueError(
            f"a file with none of the model's {len(wanted)} layers; it has {some(stored)}. Give "
            "the file of such a model, with the names that its layers had."
        )
    _check_fusion(wanted, stored)
    again = "Build the model with the arguments with which the file was written."
    missing = [name for name in wanted if name not in stored]
    if missing:
        raise ValueError(f"a file without weights for {some(missing)}. {again}")
    extra = _in_between(stored, common)
    if extra:
        raise ValueError(f"a file with further layers in between: {some(extra)}. {again}")
    reshaped = {name: text for name in common for text in _shapes(wanted[name], stored[name])}
    if reshaped:
        skip = "Give `skip_head=True` to `keras_finet.load_weights`, and train the head anew."
        raise ValueError(
            f"a file with weights of other shapes: {some(_joined(reshaped))}. "
            f"{skip if reshaped.keys() <= set(head) else again}"
        )
    other = {name: text for name in common for text in _settings(wanted[name], stored[name])}
    if other:
        raise ValueError(
            f"a file of a model that computes otherwise: {some(_joined(other))}. {again}"
        )


def _check_fusion(wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer]) -> None:
    in_file = {name for name, layer in stored.items() if layer.kind in STORED_NORMALIZATIONS}
    in_model = {name for name, layer in wanted.items() if isinstance(layer, NORMALIZATIONS)}
    counts = {
        name: (len(stored[name].datasets), len(own_shapes(layer)))
        for name, layer in wanted.items()
        if name in stored
    }
    # Folding turns a foldable layer into kernel and bias, or takes normalisations away and leaves a
    # bias behind.
    if any(counts[name][1] == 2 for name in (in_file - in_model) & counts.keys()) or (
        (1, 2) in counts.values() and in_file - wanted.keys()
    ):
        raise ValueError(
            "a file of the model as trained, with its normalisations, for a fused model, which "
            "has none. Load it into the model as trained, and call `keras_finet.fuse`."
        )
    if any(counts[name][0] == 2 for name in (in_model - in_file) & counts.keys()) or (
        (2, 1) in counts.values() and in_model - stored.keys()
    ):
        raise ValueError(
            "a file of a fused model, whose normalisations are folded away for good, for a model "
            "as trained. Load it into `keras_finet.fuse(model)`."
        )


def _in_between(stored: Mapping[str, StoredLayer], common: Collection[str]) -> list[str]:
    """Returns what only the file has, but for what comes after all that the model has.

    Such layers were part of the network that the weights were trained in.
    """
    last: dict[tuple[str, str], int] = {}
    for name in common:
        kind = _model_of(name), stored[name].kind
        last[kind] = max(stored[name].position, last.get(kind, -1))
    return [
        name
        for name, layer in stored.items()
        if name not in common and layer.position < last.get((_model_of(name), layer.kind), -1)
    ]


def _model_of(name: str) -> str:
    return name.rpartition("/")[0]


def _shapes(layer: Layer, stored: StoredLayer) -> Iterator[str]:
    """Yields the first array whose shape in the file is not the layer's."""
    expected, received = own_shapes(layer), stored.shapes
    if expected.keys() != received.keys():
        yield f"{len(received)} arrays instead of {len(expected)}"
        return
    different = [key for key in expected if received[key] != expected[key]]
    if different:
        yield f"{received[different[0]]} instead of {expected[different[0]]}"


def _settings(layer: Layer, stored: StoredLayer) -> Iterator[str]:
    """Yields what the file's configuration has otherwise, if it has any."""
    config = layer.get_config()
    for setting in SETTINGS:
        if setting in config and setting in stored.config:
            expected, received = (_plain(each[setting]) for each in (config, stored.config))
            if expected != received:
                yield f"{setting}={received} instead of {expected}"


def _plain(value: Any) -> Any:
    """Returns a setting as JSON has it, where there are no tuples."""
    return list(value) if isinstance(value, tuple) else value


def _joined(texts: Mapping[str, str]) -> list[str]:
    return [f"{name} with {text}" for name, text in texts.items()]


def some(items: Collection[str]) -> str:
    """Returns the first few of `items` and how many more there are."""
    shown = ", ".join(list(items)[:NAMES_SHOWN])
    return f"{shown} and {len(items) - NAMES_SHOWN} more" if len(items) > NAMES_SHOWN else shown
