"""Whether the weights in a file are those of a model, and the reason when they are not."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from keras.layers import Layer

from keras_finet.applications.head import Head
from keras_finet.applications.weights_file import StoredLayer
from keras_finet.applications.weights_origin import (
    STORED_DENSE,
    STORED_FINE_GRAINED,
    STORED_NORMALIZATION,
    check_origin,
)

# Arguments that change what a layer computes but not the shapes of its weights.
SETTINGS = (
    "strides",
    "padding",
    "dilation_rate",
    "epsilon",
    "center",
    "scale",
    "gain",
    "activation",
)
STORED_NORMALIZATIONS = (STORED_NORMALIZATION, STORED_FINE_GRAINED)
AGAIN = "Build the model with the arguments with which the file was written."
SKIP = "Give `skip_head=True` to `keras_finet.load_weights`, and train the head anew."
NAMES_SHOWN = 3
# Arrays of a normalisation without factors and offsets, as only one of scores is here.
STATISTICS = 2


def own_shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of what a layer itself puts into a weights file, by key."""
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    return {key: tuple(variable.shape) for key, variable in store.items()}


def check_fit(wanted: Mapping[str, Layer], stored: Mapping[str, StoredLayer], head: Head) -> None:
    """Checks that a file has the weights of all wanted layers, trained in such a network.

    Args:
        wanted: The layers that are to get weights, by their names in `open_weights`.
        stored: What `open_weights` gives.
        head: The end of the model, which could be skipped.

    Raises:
        ValueError: if not, with what was received and what to do.
    """
    common = {name: wanted[name] for name in wanted if name in stored}
    if not common:
        raise ValueError(
            f"a file with none of the model's {len(wanted)} layers; it has {some(stored)}. Give "
            "the file of such a model, with the names that its layers had."
        )
    between, unknown = _not_behind(stored, common)
    body = {name: layer for name, layer in wanted.items() if name not in head.top}
    check_origin(body, stored, between)
    missing = [name for name in wanted if name not in stored]
    if missing:
        remedy = SKIP if head.top.issuperset(missing) else AGAIN
        raise ValueError(f"a file without weights for {some(missing)}. {remedy}")
    if between:
        raise ValueError(f"a file with further layers in between: {some(between)}. {AGAIN}")
    if unknown:
        raise ValueError(
            f"a file with further layers, {some(unknown)}, of which a `.weights.h5` file does not "
            "tell whether they stand between the model's. Give the `.keras` file, or load it into "
            "the whole model that it was saved from."
        )
    _check_layers(common, stored, head)


def _check_layers(
    common: Mapping[str, Layer], stored: Mapping[str, StoredLayer], head: Head
) -> None:
    """Compares layer by layer: class, shapes, settings."""
    classes = {name: text for name in common for text in _class(common[name], stored[name])}
    if classes:
        raise ValueError(f"a file with layers of other classes: {some(_joined(classes))}. {AGAIN}")
    reshaped = {name: text for name in common for text in _shapes(common[name], stored[name])}
    if reshaped:
        remedy = SKIP if reshaped.keys() <= head.classifiers else AGAIN
        raise ValueError(
            f"a file with weights of other shapes: {some(_joined(reshaped))}. {remedy}"
        )
    other = {
        name: text
        for name in common
        for text in _settings(common[name], stored[name])
        # What a head makes of its scores is up to the model.
        if name not in head.classifiers or not text.startswith("activation=")
    }
    if other:
        raise ValueError(
            f"a file of a model that computes otherwise: {some(_joined(other))}. {AGAIN}"
        )


def _not_behind(
    stored: Mapping[str, StoredLayer], common: Collection[str]
) -> tuple[list[str], list[str]]:
    """Returns what only the file has, but for what comes behind all that the model has.

    Such layers were part of the network that the weights were trained in.

    Returns:
        Names of those between the model's layers, and of those of which the file does not tell.
    """
    only = {name: layer for name, layer in stored.items() if name not in common}
    order = {
        name: {layer.precedes(stored[other]) for other in common} for name, layer in only.items()
    }
    between = [name for name in only if True in order[name]]
    unknown = [name for name in only if order[name] == {None}]
    kinds = [layer.kind for layer in only.values()]
    normalizations = [name for name in only if stored[name].kind == STORED_NORMALIZATION]
    # A single `Dense` is a head. Several may be squeeze-and-excitation.
    if kinds.count(STORED_DENSE) == 1:
        of_scores = [name for name in normalizations if len(stored[name].datasets) == STATISTICS]
        normalizations = [name for name in normalizations if name not in of_scores]
        head = [name for name in only if stored[name].kind == STORED_DENSE] + of_scores
        unknown = [name for name in unknown if name not in head]
    if not any(stored[name].kind in STORED_NORMALIZATIONS for name in common):
        # A network that has lost them all is a fused one.
        between += [name for name in unknown if name in normalizations]
    elif {STORED_NORMALIZATION} <= set(kinds) <= {STORED_NORMALIZATION, STORED_DENSE}:
        # A network that goes on does so by more than normalisations.
        unknown += [name for name in normalizations if None in order[name]]
    return between, [name for name in dict.fromkeys(unknown) if name not in between]


def _class(layer: Layer, stored: StoredLayer) -> Iterator[str]:
    """Yields the class in the file if it is not the layer's; what is wrapped has none there."""
    received, expected = stored.kind, type(layer).__name__
    if received and received.replace("_", "") != expected.replace("_", "").lower():
        yield f"{received} instead of {expected}"


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
