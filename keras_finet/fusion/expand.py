"""A model in which foldable layers that are no convolutions have become their stock layers."""

from dataclasses import dataclass, field

import keras

from keras_finet.fusion.rules import check_replaceable
from keras_finet.graph import Graph, Operation, as_functional, copy_model, has_graph
from keras_finet.layers import Foldable, FoldableConvolution
from keras_finet.planning import KEEP, Decision, RefusalError


@dataclass
class Expansion:
    """A model with some of its layers expanded, and what that did.

    Attributes:
        model: A functional model; `model` itself where nothing is to be expanded.
        decisions: By the name of the first layer that stands in its place, or of the layer that
            stays, what has become of each foldable layer that is no convolution.
    """

    model: keras.Model
    decisions: dict[str, Decision] = field(default_factory=dict)


def expand(model: keras.Model) -> Expansion:
    """Replaces what is foldable and no convolution, in this model and not in those inside it.

    What is folded afterwards can then be told from stock layers alone.

    Args:
        model: A functional or a built Sequential model. It is not changed.

    Raises:
        ValueError: if `model` is neither functional nor Sequential.
    """
    functional = as_functional(model)
    result = Expansion(functional)
    layers = [each for each in functional.operations if _is_expandable(each)]
    if not layers:
        return result
    graph = Graph(functional)
    parts: dict[str, list[keras.layers.Layer]] = {}
    for layer in layers:
        kind = type(layer).__name__
        try:
            check_replaceable(layer, graph)
        except RefusalError as reason:
            result.decisions[layer.name] = Decision(layer.name, kind, KEEP, str(reason))
            continue
        parts[layer.name] = layer.stock_layers(layer.input.shape)
        detail = ", ".join(_described(part) for part in parts[layer.name])
        decision = Decision(layer.name, kind, "replace", detail)
        result.decisions[parts[layer.name][0].name] = decision
    result.model = copy_model(functional, replace=lambda layer: parts.get(layer.name))
    return result


def _is_expandable(layer: Operation) -> bool:
    return isinstance(layer, Foldable) and not isinstance(layer, FoldableConvolution)


def _described(layer: keras.layers.Layer) -> str:
    if has_graph(layer):
        return ", ".join(type(each).__name__.lower() for each in layer.operations[1:])
    return type(layer).__name__
