"""When a convolution and the normalisation behind it become one layer, and the reason when not."""

import keras

from keras_finet.graph import Graph, Operation
from keras_finet.layers import Foldable
from keras_finet.pairs import (
    ACTIVATIONS,
    check_bias_axis,
    check_linear,
    check_normalizes_filters,
    check_own_weights,
    normalization_call,
    only_call,
    only_reader,
)
from keras_finet.planning import RefusalError

DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
CONVOLUTIONS = (
    *DEPTHWISE,
    *SEPARABLE,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


def check_convolution(layer: Operation, groups: int) -> None:
    """Raises `RefusalError` if `layer` is no convolution whose input channels can be grouped."""
    _check_kind(layer)
    check_own_weights(layer)
    if layer.groups != 1:
        raise RefusalError(f"a grouped convolution: its filters are split into {layer.groups} too")
    channels = layer.kernel.shape[-2]
    if channels < groups:
        raise RefusalError(f"{channels} input channels are too few for {groups} groups")


def _check_kind(layer: Operation) -> None:
    kind = type(layer).__name__
    if isinstance(layer, DEPTHWISE):
        raise RefusalError("a depthwise convolution: a filter reads one channel only")
    if isinstance(layer, SEPARABLE):
        raise RefusalError(
            "a separable convolution: its pointwise half can be converted where it is a Conv2D of "
            "its own, behind a DepthwiseConv2D"
        )
    if not isinstance(layer, keras.layers.Conv2D):
        raise RefusalError(f"a {kind}, and FineGrainedBatchNorm is for Conv2D")
    # By exact type: a subclass may do more in its `call` than its parent does.
    if type(layer) is not keras.layers.Conv2D:
        raise RefusalError(f"a custom {kind}: its call may do more than Conv2D's")


def find_normalization(convolution: Operation, graph: Graph) -> keras.layers.BatchNormalization:
    """Returns the normalisation that reads `convolution` and can become one layer with it.

    Raises:
        RefusalError: if there is none.
    """
    source = only_call(convolution, graph).source
    readers = [graph.operations.get(name) for name in graph.readers(source)]
    if not any(isinstance(reader, keras.layers.BatchNormalization) for reader in readers):
        raise RefusalError(_what_reads_instead(readers, graph))
    normalization = graph.operations[only_reader(source, graph)]
    check_linear(convolution)
    if convolution.use_bias:
        check_bias_axis(convolution)
    try:
        _check_normalization(normalization, convolution, graph)
    except RefusalError as reason:
        raise RefusalError(f"{normalization.name!r} behind it: {reason}") from reason
    return normalization


def _what_reads_instead(readers: list[Operation | None], graph: Graph) -> str:
    for activation in (reader for reader in readers if isinstance(reader, ACTIVATIONS)):
        for call in graph.calls_of(activation.name):
            for name in graph.readers(call.source):
                if isinstance(graph.operations.get(name), keras.layers.BatchNormalization):
                    return f"the activation {activation.name!r} stands between it and {name!r}"
    return "no BatchNormalization reads it"


def _check_normalization(layer: Operation, convolution: Operation, graph: Graph) -> None:
    call = normalization_call(layer, graph)
    if call.keywords.get("training") is not None:
        raise RefusalError("it is called with training=False, so it does not train")
    check_normalizes_filters(layer, convolution)
    _check_same_settings(layer, convolution)
    if not layer.epsilon > 0.0:
        raise RefusalError(f"its epsilon is {layer.epsilon}, not positive")
    if not 0.0 <= layer.momentum <= 1.0:
        raise RefusalError(f"its momentum is {layer.momentum}, not within [0, 1]")


def _check_same_settings(normalization: Operation, convolution: Operation) -> None:
    """Refuses what one layer cannot hold for both."""
    if convolution.activity_regularizer is not None:
        raise RefusalError("the convolution has an activity regularizer of its own")
    policies = [layer.dtype_policy.name for layer in (normalization, convolution)]
    if policies[0] != policies[1]:
        raise RefusalError(f"its dtype policy is {policies[0]}, the convolution's {policies[1]}")
    if normalization.trainable != convolution.trainable:
        raise RefusalError(
            f"its `trainable` is {normalization.trainable}, the convolution's "
            f"{convolution.trainable}"
        )


def check_leftover(normalization: Operation, graph: Graph) -> tuple[str, str]:
    """Raises `RefusalError` with the reason why a normalisation without a convolution stays."""
    source = graph.calls_of(normalization.name)[0].inputs[0]
    producer = graph.operations[source.layer]
    if isinstance(producer, ACTIVATIONS):
        raise RefusalError(f"the activation {producer.name!r} stands before it")
    kind = type(producer).__name__
    raise RefusalError(f"{producer.name!r} before it is a {kind}, not a convolution")


def reads_convolution(normalization: Operation, graph: Graph) -> bool:
    """Tells whether some call of `normalization` normalises a convolution that is decided on."""
    return any(
        isinstance(graph.operations[source.layer], CONVOLUTIONS)
        for call in graph.calls_of(normalization.name)
        for source in call.inputs
    )


def may_hold_convolutions(layer: Operation) -> bool:
    """Tells whether `layer` is of another's making and has weights of a 2D convolution's rank."""
    is_stock = type(layer).__module__.startswith("keras.")
    if is_stock or isinstance(layer, Foldable):
        return False
    return any(len(weight.shape) == 4 for weight in getattr(layer, "weights", ()))


def refuse_opaque(layer: Operation) -> tuple[str, str]:
    """Raises `RefusalError`: what a custom layer does with its weights is in its own code."""
    raise RefusalError(f"a custom {type(layer).__name__}: what is inside it is not looked into")


def refuse_fine_grained(layer: Operation) -> tuple[str, str]:
    """Raises `RefusalError`: the layer is what `fine_grain` makes."""
    raise RefusalError(f"already fine-grained, in {len(layer.group_sizes)} groups")
