"""When a layer folds away, and the reason when it does not."""

from collections.abc import Mapping

import keras

from keras_finet.graph import Graph, Operation, Source
from keras_finet.layers import Foldable
from keras_finet.pairs import (
    ACTIVATIONS,
    check_bias_axis,
    check_inference_calls,
    check_linear,
    check_normalizes_filters,
    check_own_weights,
    normalization_call,
    only_call,
    only_reader,
)
from keras_finet.planning import RefusalError

# By exact type: a subclass may do more in its `call` than its parent does.
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
)


def check_removable(dropout: Operation, graph: Graph) -> None:
    """Raises `RefusalError` if a dropout layer is not the identity in inference."""
    if type(dropout) not in DROPOUTS:
        raise RefusalError("a custom subclass of a dropout layer: its call may do more")
    check_inference_calls(dropout, graph)


def check_replaceable(layer: Operation, graph: Graph) -> None:
    """Raises `RefusalError` if a foldable layer may do more than its `fold` knows of."""
    if _definer(layer, "call") < _definer(layer, "fold"):
        raise RefusalError(
            f"a custom subclass with its own `call` but the `fold` of {_fold_owner(layer)}"
        )
    check_bias_axis(layer)
    check_inference_calls(layer, graph)


def _definer(layer: Operation, method: str) -> int:
    """Returns how far up the class hierarchy `method` is defined: 0 is the layer's own class."""
    classes = type(layer).__mro__
    return next(depth for depth, each in enumerate(classes) if method in vars(each))


def _fold_owner(layer: Operation) -> str:
    return type(layer).__mro__[_definer(layer, "fold")].__name__


def find_convolution(layer: Operation, graph: Graph, origins: Mapping[Source, Source]) -> str:
    """Returns the name of the layer that the normalisation `layer` folds into.

    Args:
        layer: A `BatchNormalization`.
        graph: The graph that it stands in.
        origins: For the outputs of layers that vanish, what takes their place.

    Raises:
        RefusalError: if it folds into none.
    """
    source = normalization_call(layer, graph).inputs[0]
    while source in origins:
        only_reader(source, graph)
        source = origins[source]
    producer = graph.operations[source.layer]
    _check_producer(producer, layer)
    if isinstance(producer, Foldable):
        check_replaceable(producer, graph)
    only_call(producer, graph)
    only_reader(source, graph)
    return source.layer


def _check_producer(producer: Operation, normalization: Operation) -> None:
    kind = type(producer).__name__
    if isinstance(producer, ACTIVATIONS):
        raise RefusalError(f"the activation {producer.name!r} stands before it")
    if not is_convolution(producer):
        if isinstance(producer, CONVOLUTIONS):
            raise RefusalError(f"{producer.name!r} is a custom {kind}: its call may do more")
        raise RefusalError(f"{producer.name!r} before it is a {kind}, not a convolution or Dense")
    if not isinstance(producer, Foldable):
        check_own_weights(producer)
    check_bias_axis(producer)
    check_linear(producer)
    check_normalizes_filters(normalization, producer)


def is_convolution(layer: Operation) -> bool:
    """Tells whether a normalisation can fold into `layer`."""
    return type(layer) in CONVOLUTIONS or isinstance(layer, Foldable)
