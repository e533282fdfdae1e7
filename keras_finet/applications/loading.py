"""Weights from a file into a model: decide layer by layer, then assign."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
from keras.layers import Layer

from keras_finet.applications.head import Head, head_of
from keras_finet.applications.weights_file import StoredLayer, check_path, open_weights
from keras_finet.applications.weights_fit import check_fit, own_shapes, some
from keras_finet.graph import as_functional, has_graph
from keras_finet.table import text_table

SKIPPED = "the head, as asked for"


@dataclass(frozen=True)
class LoadingReport:
    """What `load_weights` did; `print` shows it as a table.

    Attributes:
        path: The file.
        model: Name of the model.
        loaded: Names of the layers that have got their weights from the file.
        skipped: For every layer that only the file has weights for, and for the model's head where
            that was to be skipped, the reason.
    """

    path: str
    model: str
    loaded: tuple[str, ...]
    skipped: dict[str, str]

    def __str__(self) -> str:
        title = f"Loaded {len(self.loaded)} layers from {self.path} into {self.model}"
        if not self.skipped:
            return f"{title}; skipped none"
        layers: dict[str, list[str]] = {}
        for layer, reason in self.skipped.items():
            layers.setdefault(reason, []).append(layer)
        rows = [(some(names), reason) for reason, names in layers.items()]
        title = f"{title}; skipped {len(self.skipped)}"
        return text_table(title, ("layers", "skipped because"), rows)


def load_weights(
    model: keras.Model, path: str | os.PathLike[str], *, skip_head: bool = False
) -> LoadingReport:
    """Loads the weights of a file into a model, all that the model needs or none.

    Layers are matched by name. The file may go on where the model ends: the weights of a whole
    classifier load into one without the top, or into a backbone. A file that fits only in part
    is refused, and the model is left as it was.

    A `.keras` file also tells with which strides, padding and epsilon its layers were trained, and
    is refused if the model's are others. A `.weights.h5` file does not: there a model with another
    `stem`, whose weights have the same shapes, is up to you.

    Example:
    >>> model = keras_finet.FinetSmall(classes=5)
    >>> print(keras_finet.load_weights(model, "thousand_classes.keras", skip_head=True))

    Args:
        model: A functional or a built Sequential model. Layers that keep their weights in layers
            inside them (`LSTM`, `MultiHeadAttention`) are refused: use `model.load_weights`.
        path: A `.weights.h5` or `.keras` file, saved by Keras from a functional or Sequential
            model.
        skip_head: Whether to leave the model's classifier (the `Dense` or `Conv2D` that its output
            comes from) as it is, for a file with another number of classes. For a file that ends
            before the model's top, the rest of the top stays as it is too.

    Returns:
        A `LoadingReport`; `print` it, or read what was `loaded` and what was `skipped`.

    Raises:
        ValueError: if the file cannot be read or does not fit, or there is no head to skip, with
            the reason.
    """
    check_path(path)
    targets = dict(_layers_with_weights(as_functional(model), "", set()))
    head = head_of(model)
    if skip_head and not head.classifiers:
        raise ValueError(
            f"Expected a model whose output comes from a `Dense` or `Conv2D` layer. Received: "
            f"{model.name!r}: the model has no head that could be skipped. Leave `skip_head` out."
        )
    if not targets:
        raise ValueError(f"Expected a model with weights to load. Received: {model.name!r}")
    try:
        with open_weights(Path(path)) as stored:
            skipped = _skipped(targets, stored, head) if skip_head else {}
            wanted = {name: layer for name, layer in targets.items() if name not in skipped}
            check_fit(wanted, stored, head)
            arrays = {name: stored[name].read() for name in wanted}
            skipped |= {name: "only in the file" for name in stored if name not in targets}
    except ValueError as error:
        raise ValueError(
            f"Expected {os.fspath(path)!r} to hold the weights of {model.name!r}. Received: {error}"
        ) from error
    for name, layer in wanted.items():
        layer.load_own_variables(arrays[name])
    return LoadingReport(os.fspath(path), model.name, tuple(wanted), skipped)


def _skipped(
    targets: Mapping[str, Layer], stored: Mapping[str, StoredLayer], head: Head
) -> dict[str, str]:
    """Returns what is skipped of the top: the head, and what comes behind all that the file has."""
    names = list(targets)
    common = [
        index for index, name in enumerate(names) if name in stored and name not in head.classifiers
    ]
    behind = names[max(common, default=-1) + 1 :]
    return {
        name: SKIPPED
        for name in names
        if name in head.classifiers or (name in head.top and name in behind)
    }


def _layers_with_weights(
    model: keras.Model, prefix: str, seen: set[int]
) -> Iterator[tuple[str, Layer]]:
    """Yields what a weights file has an entry for, by the names in `open_weights`."""
    for layer in model.layers:
        yield from _layer_with_weights(layer, f"{prefix}{layer.name}", seen)


def _layer_with_weights(layer: Layer, name: str, seen: set[int]) -> Iterator[tuple[str, Layer]]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    if has_graph(layer):
        yield from _layers_with_weights(layer, f"{name}/", seen)
        return
    inner = layer.layer if isinstance(layer, keras.layers.Wrapper) else None
    own = own_shapes(layer)
    if len(own) < len(layer.weights) - (len(inner.weights) if inner else 0):
        raise ValueError(
            f"Expected layers that keep their weights themselves. Received: layer {name!r} of "
            f"class {type(layer).__name__}, with weights in layers inside it. Use "
            "`model.load_weights`."
        )
    if own:
        yield name, layer
    if inner is not None:
        yield from _layer_with_weights(inner, f"{name}/layer", seen)
