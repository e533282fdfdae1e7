"""When a layer folds away, and the reason when it does not."""

from collections.abc import Mapping

import keras

from keras_finet.fusion.constants import only_adds, rescaling_constants
from keras_finet.graph import Call, Graph, Operation, Source
from keras_finet.layers import FoldableConvolution
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
    is_one = isinstance(layer, FoldableConvolution)
    method = "fold" if is_one else "stock_layers"
    depth = _definer(layer, method)
    if _definer(layer, "call") < depth:
        owner = type(layer).__mro__[depth].__name__
        raise RefusalError(f"a custom subclass with its own `call` but the `{method}` of {owner}")
    if is_one:
        check_bias_axis(layer)
    check_inference_calls(layer, graph)


def _definer(layer: Operation, method: str) -> int:
    """Returns how far up the class hierarchy `method` is defined: 0 is the layer's own class."""
    classes = type(layer).__mro__
    return next(depth for depth, each in enumerate(classes) if method in vars(each))


def find_convolution(
    layer: Operation, graph: Graph, origins: Mapping[Source, Source]
) -> tuple[str, str | None]:
    """Returns the name of the layer that `layer` folds into, and that of the sum in between.

    Args:
        layer: A `BatchNormalization` or a `Rescaling`.
        graph: The graph that it stands in.
        origins: For the outputs of layers that vanish, what takes their place.

    Returns:
        The layer, and None; or, for a number that is added to each channel of a sum of branches,
        the layer that ends one of them, and the `Add`.

    Raises:
        RefusalError: if it folds into none.
    """
    source = _origin(_call_of(layer, graph).inputs[0], graph, origins)
    producer = graph.operations[source.layer]
    if type(producer) is not keras.layers.Add or not only_adds(layer):
        return _checked_convolution(source, layer, graph), None
    only_reader(source, graph)
    reasons = []
    for branch in only_call(producer, graph).inputs:
        try:
            source = _origin(branch, graph, origins)
            return _checked_convolution(source, layer, graph), producer.name
        except RefusalError as reason:
            reasons.append(str(reason))
    raise RefusalError("; ".join(reasons))


def _call_of(layer: Operation, graph: Graph) -> Call:
    if isinstance(layer, keras.layers.BatchNormalization):
        return normalization_call(layer, graph)
    if type(layer) is not keras.layers.Rescaling:
        raise RefusalError("a custom subclass of Rescaling: its call may do more")
    return only_call(layer, graph)


def _origin(source: Source, graph: Graph, origins: Mapping[Source, Source]) -> Source:
    while source in origins:
        only_reader(source, graph)
        source = origins[source]
    return source


def _checked_convolution(source: Source, layer: Operation, graph: Graph) -> str:
    producer = graph.operations[source.layer]
    _check_producer(producer, layer)
    if isinstance(producer, FoldableConvolution):
        check_replaceable(producer, graph)
    only_call(producer, graph)
    only_reader(source, graph)
    return source.layer


def _check_producer(producer: Operation, layer: Operation) -> None:
    kind = type(producer).__name__
    if isinstance(producer, ACTIVATIONS):
        raise RefusalError(f"the activation {producer.name!r} stands before it")
    if not is_convolution(producer):
        if isinstance(producer, CONVOLUTIONS):
            raise RefusalError(f"{producer.name!r} is a custom {kind}: its call may do more")
        raise RefusalError(f"{producer.name!r} before it is a {kind}, not a convolution or Dense")
    if not isinstance(producer, FoldableConvolution):
        check_own_weights(producer)
    check_bias_axis(producer)
    check_linear(producer)
    if isinstance(layer, keras.layers.BatchNormalization):
        check_normalizes_filters(layer, producer)
    else:
        rescaling_constants(layer, producer)


def is_convolution(layer: Operation) -> bool:
    """Tells whether a normalisation can fold into `layer`."""
    return type(layer) in CONVOLUTIONS or isinstance(layer, FoldableConvolution)
