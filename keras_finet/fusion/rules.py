"""When a layer folds away, and the reason when it does not."""

from collections.abc import Mapping

import keras

from keras_finet.graph import Call, Graph, Operation, Source
from keras_finet.layers import Foldable

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
ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)


class RefusalError(Exception):
    """A layer stays as it is; the message is the reason."""


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
    _check_bias_axis(layer)
    check_inference_calls(layer, graph)


def _definer(layer: Operation, method: str) -> int:
    """Returns how far up the class hierarchy `method` is defined: 0 is the layer's own class."""
    classes = type(layer).__mro__
    return next(depth for depth, each in enumerate(classes) if method in vars(each))


def _fold_owner(layer: Operation) -> str:
    return type(layer).__mro__[_definer(layer, "fold")].__name__


def _check_bias_axis(layer: Operation) -> None:
    # Keras 3.15 on tensorflow takes the bias of such a layer for one along the width.
    shape = layer.output.shape
    if (
        getattr(layer, "data_format", None) == "channels_first"
        and keras.backend.backend() == "tensorflow"
        and shape[1] == shape[-1]
    ):
        raise RefusalError(
            f"channels_first with {shape[1]} filters on a width of {shape[-1]}: Keras would add "
            "the bias along the width"
        )


def check_inference_calls(layer: Operation, graph: Graph) -> None:
    """Raises `RefusalError` if some call of `layer` runs in training mode even in inference."""
    if any(call.keywords.get("training") for call in graph.calls_of(layer.name)):
        raise RefusalError("it is called with training=True, so it is not constant in inference")


def refuse_wrapped(wrapper: Operation) -> tuple[str, str]:
    """Raises `RefusalError`: what stands inside a wrapper is called by the wrapper's own code."""
    raise RefusalError(f"the {type(wrapper.layer).__name__} inside it is not looked into")


def find_convolution(layer: Operation, graph: Graph, origins: Mapping[Source, Source]) -> str:
    """Returns the name of the layer that the normalisation `layer` folds into.

    Args:
        layer: A `BatchNormalization`.
        graph: The graph that it stands in.
        origins: For the outputs of layers that vanish, what takes their place.

    Raises:
        RefusalError: if it folds into none.
    """
    if type(layer) is not keras.layers.BatchNormalization:
        raise RefusalError("a custom subclass of BatchNormalization: its call may do more")
    if layer.renorm:
        raise RefusalError("batch renormalisation keeps other statistics")
    call = _only_call(layer, graph)
    check_inference_calls(layer, graph)
    if call.keywords.get("mask") is not None:
        raise RefusalError("it is called with a mask")
    source = call.inputs[0]
    while source in origins:
        _check_single_reader(source, graph)
        source = origins[source]
    producer = graph.operations[source.layer]
    _check_producer(producer, layer)
    if isinstance(producer, Foldable):
        check_replaceable(producer, graph)
    _only_call(producer, graph)
    _check_single_reader(source, graph)
    return source.layer


def _only_call(layer: Operation, graph: Graph) -> Call:
    calls = graph.calls_of(layer.name)
    if len(calls) != 1:
        raise RefusalError(f"{layer.name!r} is shared: it is called {len(calls)} times")
    return calls[0]


def _check_single_reader(source: Source, graph: Graph) -> None:
    readers = graph.readers(source)
    if len(readers) != 1:
        raise RefusalError(
            f"the output of {source.layer!r} is used elsewhere too: {', '.join(readers)}"
        )


def _check_producer(producer: Operation, normalization: Operation) -> None:
    kind = type(producer).__name__
    if isinstance(producer, ACTIVATIONS):
        raise RefusalError(f"the activation {producer.name!r} stands before it")
    if not is_convolution(producer):
        if isinstance(producer, CONVOLUTIONS):
            raise RefusalError(f"{producer.name!r} is a custom {kind}: its call may do more")
        raise RefusalError(f"{producer.name!r} before it is a {kind}, not a convolution or Dense")
    if not isinstance(producer, Foldable) and len(producer.weights) != 1 + producer.use_bias:
        raise RefusalError(f"{producer.name!r} has weights beside its kernel and bias")
    _check_bias_axis(producer)
    if producer.activation is not keras.activations.linear:
        activation = keras.activations.serialize(producer.activation)
        raise RefusalError(f"{producer.name!r} applies its own activation first: {activation}")
    rank = len(producer.output.shape)
    channel_axis = 1 if getattr(producer, "data_format", None) == "channels_first" else rank - 1
    if normalization.axis % rank != channel_axis:
        raise RefusalError(f"it normalises axis {normalization.axis}, not the filters")


def is_convolution(layer: Operation) -> bool:
    """Tells whether a normalisation can fold into `layer`."""
    return type(layer) in CONVOLUTIONS or isinstance(layer, Foldable)
