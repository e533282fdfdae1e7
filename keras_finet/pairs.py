"""When a convolution and the normalisation behind it are one function of the convolution's input.

The rules that every rewrite of such pairs shares; a rule that fails raises `RefusalError`.
"""

import keras

from keras_finet.graph import Call, Graph, Operation, Source
from keras_finet.planning import RefusalError

ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)


def check_inference_calls(layer: Operation, graph: Graph) -> None:
    """Refuses a layer of which some call runs in training mode even in inference."""
    if any(call.keywords.get("training") for call in graph.calls_of(layer.name)):
        raise RefusalError("it is called with training=True, so it is not constant in inference")


def refuse_wrapped(wrapper: Operation) -> tuple[str, str]:
    """Refuses: what stands inside a wrapper is called by the wrapper's own code."""
    raise RefusalError(f"the {type(wrapper.layer).__name__} inside it is not looked into")


def only_call(layer: Operation, graph: Graph) -> Call:
    """Returns the call of a layer that is called once; refuses any other."""
    calls = graph.calls_of(layer.name)
    if len(calls) != 1:
        raise RefusalError(f"{layer.name!r} is shared: it is called {len(calls)} times")
    return calls[0]


def only_reader(source: Source, graph: Graph) -> str:
    """Returns the name of the one layer that reads `source`; refuses if anything else does."""
    readers = graph.readers(source)
    if len(readers) != 1:
        raise RefusalError(
            f"the output of {source.layer!r} is used elsewhere too: {', '.join(readers)}"
        )
    return readers[0]


def check_constant_statistics(normalization: Operation, graph: Graph) -> None:
    """Refuses all but a stock normalisation by its moving statistics."""
    if type(normalization) is not keras.layers.BatchNormalization:
        raise RefusalError("a custom subclass of BatchNormalization: its call may do more")
    if normalization.renorm:
        raise RefusalError("batch renormalisation keeps other statistics")
    check_inference_calls(normalization, graph)


def normalization_call(layer: Operation, graph: Graph) -> Call:
    """Returns the call of a stock normalisation with constant statistics in inference."""
    check_constant_statistics(layer, graph)
    call = only_call(layer, graph)
    if call.keywords.get("mask") is not None:
        raise RefusalError("it is called with a mask")
    return call


def check_own_weights(convolution: Operation) -> None:
    """Refuses a stock convolution whose kernel is not all that it multiplies with."""
    if len(convolution.weights) != 1 + convolution.use_bias:
        raise RefusalError(f"{convolution.name!r} has weights beside its kernel and bias")


def check_bias_axis(layer: Operation) -> None:
    """Refuses a layer on which Keras takes a bias of the filters for one along the width."""
    # Keras 3.15 on tensorflow.
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


def check_linear(convolution: Operation) -> None:
    """Refuses a convolution that applies an activation."""
    if convolution.activation is not keras.activations.linear:
        activation = keras.activations.serialize(convolution.activation)
        raise RefusalError(f"{convolution.name!r} applies its own activation first: {activation}")


def check_normalizes_filters(normalization: Operation, convolution: Operation) -> None:
    """Refuses a normalisation along another axis than that of the convolution's filters."""
    rank = len(convolution.output.shape)
    channels_first = getattr(convolution, "data_format", None) == "channels_first"
    if normalization.axis % rank != (1 if channels_first else rank - 1):
        raise RefusalError(f"it normalises axis {normalization.axis}, not the filters")
