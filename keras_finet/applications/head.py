"""Which layers of a model are its classifier."""

from typing import NamedTuple

import keras

from keras_finet.graph import Graph, Operation, Source, as_functional, has_graph
from keras_finet.layers import SignConv2D

# What may stand between a head and the model's output.
AFTER_HEAD = (
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Rescaling,
    keras.layers.Reshape,
    keras.layers.Softmax,
)
POOLS = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
# What may stand between a head and such a pool behind it: a ReLU there ends a backbone.
BEFORE_POOL = (keras.layers.Dropout, keras.layers.Rescaling, keras.layers.Softmax)
SCORES = ("linear", "softmax", "sigmoid")
HEADS = (keras.layers.Dense, keras.layers.Conv2D, SignConv2D)


class Head(NamedTuple):
    """The end of a model, by the names of its layers in `open_weights`.

    Attributes:
        classifiers: The layer that gives the classes' scores, and what normalises these, for every
            output that has one.
        top: Those and all that stands before them, back to the global pool or the `Flatten`.
    """

    classifiers: frozenset[str]
    top: frozenset[str]


def head_of(model: keras.Model) -> Head:
    """Returns the head of `model`; an empty one if it has none."""
    functional = as_functional(model)
    heads = []
    if all(len(output.shape) == 2 for output in functional.outputs):
        graph = Graph(functional)
        heads = [_head_before(source, graph) for source in graph.outputs]
    return Head(
        frozenset().union(*(head.classifiers for head in heads)),
        frozenset().union(*(head.top for head in heads)),
    )


def _head_before(source: Source, graph: Graph) -> Head:
    passed: tuple[type, ...] = (*AFTER_HEAD, *POOLS)
    normalizations: frozenset[str] = frozenset()
    while True:
        layer = graph.operations[source.layer]
        pooled = passed is BEFORE_POOL
        if has_graph(layer) and not pooled:
            return Head(*(frozenset(f"{layer.name}/{n}" for n in part) for part in head_of(layer)))
        if isinstance(layer, HEADS):
            if pooled and not _scores_pixels(layer):
                return _NONE
            return Head(normalizations | {layer.name}, normalizations | _top(source, graph))
        inputs = _inputs(source, graph)
        if not inputs:
            return _NONE
        if _normalizes_scores(layer):
            normalizations |= {layer.name}
        elif not isinstance(layer, passed):
            return _NONE
        if isinstance(layer, POOLS):
            passed = BEFORE_POOL
        source = inputs[0]


def _normalizes_scores(layer: Operation) -> bool:
    """Tells whether a normalisation is one of scores: others have factors or offsets."""
    if not isinstance(layer, keras.layers.BatchNormalization):
        return False
    return not layer.center and not layer.scale


def _inputs(source: Source, graph: Graph) -> tuple[Source, ...]:
    """Returns what the call reads; an input layer is never called."""
    calls = graph.calls_of(source.layer)
    return calls[source.call].inputs if calls else ()


def _scores_pixels(layer: Operation) -> bool:
    """Tells whether a layer before a global pool classifies pixel by pixel."""
    pointwise = getattr(layer, "kernel_size", (1, 1)) == (1, 1)
    return pointwise and layer.activation in map(keras.activations.get, SCORES)


def _top(source: Source, graph: Graph) -> frozenset[str]:
    """Returns the layers from `source` back to the global pool, or else to the first `Flatten`."""
    passed: list[str] = []
    until_flatten = [source.layer]
    while True:
        layer = graph.operations[source.layer]
        if isinstance(layer, POOLS):
            return frozenset(passed)
        if isinstance(layer, keras.layers.Flatten):
            until_flatten = list(passed)
        passed.append(source.layer)
        inputs = _inputs(source, graph)
        if len(inputs) != 1:
            return frozenset(until_flatten)
        source = inputs[0]


_NONE = Head(frozenset(), frozenset())
