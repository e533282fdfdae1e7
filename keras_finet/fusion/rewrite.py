"""From a plan to the fused model."""

from typing import Any

import keras
import numpy as np

from keras_finet.fusion.constants import constants_after
from keras_finet.fusion.dead_channels import without_dead_channels
from keras_finet.fusion.expand import expand
from keras_finet.fusion.plan import FusionPlan, plan_fusion
from keras_finet.fusion.rules import CONVOLUTIONS
from keras_finet.fusion.stock_weights import convolution_weights, filter_shape
from keras_finet.graph import Operation, copy_model
from keras_finet.layers import ConvWeights, FoldableConvolution
from keras_finet.layers.fold import with_weights


def fuse(
    model: keras.Model, *, fold_batch_norm: bool = True, drop_dead_channels: bool = False
) -> keras.Model:
    """Returns the model for deployment: stock layers, the same outputs.

    Every `keras_finet.layers.Foldable` becomes the stock layers that equal it, the last of which
    has its name. With `fold_batch_norm` every `BatchNormalization` and every `Rescaling` by one
    number or one a channel that stands behind a `Conv2D`, `DepthwiseConv2D`, `Dense` or foldable
    convolution goes into that layer's weights too; what adds to a residual sum goes into a summand;
    and dropout layers vanish.
    Weights are folded in float64 from the moving statistics (arXiv 2005.06828, eq. 6 to 9).
    `plan_fusion` tells beforehand what happens to which layer; `verify_fusion` proves the result.

    Example:
    >>> model = keras_finet.FinetSmall(weights=None)
    >>> deployed = keras_finet.fuse(model)
    >>> print(keras_finet.verify_fusion(model, deployed))

    Args:
        model: A functional or a built Sequential model. It is not changed. Models inside it are
            fused too, and shared layers stay shared.
        fold_batch_norm: If False, only foldable layers are replaced, and the rest stays trainable
            as it is.
        drop_dead_channels: If True, the dead channels that `plan_fusion` counts give their beta and
            nothing else. Otherwise they fold to huge weights, which float takes but int8 does not.
            This changes the function slightly, so it is off: what comes out equals the model.

    Returns:
        A new functional `keras.Model` in float32, uncompiled.

    Raises:
        ValueError: if `model` is neither functional nor Sequential, or holds a layer that cannot be
            made again from its configuration.
    """
    plan = plan_fusion(model, fold_batch_norm=fold_batch_norm)
    return _rewrite(model, plan, drop_dead_channels)


def _rewrite(original: keras.Model, plan: FusionPlan, drop: bool) -> keras.Model:
    model = expand(original).model
    dead = plan.dead_channels if drop else {}

    def healed(layer: keras.layers.Layer) -> keras.layers.Layer:
        return without_dead_channels(layer, dead[layer.name]) if layer.name in dead else layer

    def replace(operation: Operation) -> keras.layers.Layer | None:
        if operation.name in plan.nested:
            return _rewrite(operation, plan.nested[operation.name], drop)
        if operation.name in plan.chains:
            chain = [healed(model.get_layer(name)) for name in plan.chains[operation.name]]
            return _folded_layer(healed(operation), chain, operation.input.shape)
        return healed(operation) if operation.name in dead else _plain_copy(operation)

    return copy_model(model, replace=replace, bypass=frozenset(plan.removed), dtype="float32")


def _folded_layer(
    layer: keras.layers.Layer,
    chain: list[keras.layers.Layer],
    input_shape: tuple[int | None, ...],
) -> keras.layers.Layer:
    """Makes the stock layer that equals `layer` followed by `chain` in inference."""
    weights = convolution_weights(layer)
    for folding in chain:
        weights = _fold_constants(weights, *constants_after(folding, layer))
    # The shape of one input is all that a build needs, whichever call it belongs to.
    if isinstance(layer, FoldableConvolution):
        (stock,) = layer.stock_layers(input_shape)
        stock.set_weights([array.astype("float32") for array in weights])
        return stock
    return with_weights(_with_bias(layer), input_shape, weights)


def _with_bias(layer: keras.layers.Layer) -> keras.layers.Layer:
    config = {**_plain_config(layer), "use_bias": True, "dtype": "float32"}
    return type(layer).from_config(config)


def _plain_copy(layer: Operation) -> keras.layers.Layer | None:
    """Returns a copy of a convolution with the package's constraints; None for other layers."""
    if type(layer) not in CONVOLUTIONS or "keras_finet>" not in str(layer.get_config()):
        return None
    copy = type(layer).from_config({**_plain_config(layer), "dtype": "float32"})
    copy.build(layer.input.shape)
    copy.set_weights(layer.get_weights())
    return copy


def _plain_config(layer: keras.layers.Layer) -> dict[str, Any]:
    """Its configuration without what only matters in training, which may be the package's own."""
    trained = ("_regularizer", "_constraint", "_initializer")
    return {key: value for key, value in layer.get_config().items() if not key.endswith(trained)}


def _fold_constants(weights: ConvWeights, scale: Any, offset: Any) -> ConvWeights:
    channels = np.broadcast_to(scale, weights.bias.shape)
    kernel = weights.kernel * channels.reshape(filter_shape(weights))
    return ConvWeights(kernel, weights.bias * scale + offset)
