"""The same network with different normalisations in place of its fine-grained ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

import keras_finet
from training_cost.framework import framework
from training_cost.plan import SMOKE_NETWORK

Tensor = Any
FineGrained = keras_finet.FineGrainedBatchNorm


class NotAvailable(RuntimeError):  # noqa: N818 - nothing went wrong
    """The framework does not offer what the variant consists of."""


@dataclasses.dataclass(frozen=True)
class Construction:
    """How a variant is made.

    Attributes:
        groups: What the network is built with.
        replace: Function of a fine-grained layer and its input that computes what takes the place
            of its output before the activation. None leaves the layer as it is.
        normalization: What the network is built with.
        clips_gradients: Whether its optimizer stands in an `AdaptiveGradientClipping`.
    """

    groups: int = 1
    replace: Callable[[FineGrained, Tensor], Tensor] | None = None
    normalization: str = "fbn"
    clips_gradients: bool = False


class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalisation by the framework's own kernel in training."""

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        if not training:
            return super().call(inputs, training=training, mask=mask)
        return framework().fused_batch_norm(self, inputs)


def convolution(layer: FineGrained, **changes: Any) -> layers.Conv2D:
    """Returns the stock layer with the arguments that a fine-grained one has in common with it."""
    arguments: dict[str, Any] = {
        "filters": layer.filters,
        "kernel_size": layer.kernel_size,
        "strides": layer.strides,
        "padding": layer.padding,
        "dilation_rate": layer.dilation_rate,
        "use_bias": False,
        "name": layer.name,
    }
    return layers.Conv2D(**{**arguments, **changes})


def batch_normalization(
    layer: FineGrained, kind: type[layers.BatchNormalization] = layers.BatchNormalization
) -> layers.BatchNormalization:
    return kind(momentum=layer.momentum, epsilon=layer.epsilon, name=f"{layer.name}_bn")


def batch_normalized(layer: FineGrained, x: Tensor) -> Tensor:
    return batch_normalization(layer)(convolution(layer)(x))


def batch_normalized_by_kernel(layer: FineGrained, x: Tensor) -> Tensor:
    return batch_normalization(layer, FusedBatchNormalization)(convolution(layer)(x))


def not_normalized(layer: FineGrained, x: Tensor) -> Tensor:
    return convolution(layer, use_bias=True)(x)


def fine_grained_directly(layer: FineGrained, x: Tensor) -> Tensor:
    changes = {"statistics": "direct", "activation": None}
    return FineGrained.from_config({**layer.get_config(), **changes})(x)


def fine_grained_as_in_the_paper(layer: FineGrained, x: Tensor) -> Tensor:
    """Grouped convolution with `groups` times the outputs, normalisation, sum over the groups."""
    groups = layer.groups
    if x.shape[-1] % groups:
        raise ValueError(
            f"a grouped convolution cannot split the {x.shape[-1]} channels in front of "
            f"{layer.name} into {groups} groups"
        )
    x = convolution(layer, filters=groups * layer.filters, groups=groups)(x)
    x = batch_normalization(layer)(x)
    x = ops.reshape(x, (-1, *x.shape[1:3], groups, layer.filters))
    return ops.sum(x, axis=-2)


CONSTRUCTIONS = {
    "bn": Construction(1, batch_normalized),
    "none": Construction(1, not_normalized),
    "fused": Construction(1, batch_normalized_by_kernel),
    "g2": Construction(2),
    "g4": Construction(4),
    "g8": Construction(8),
    "direct": Construction(4, fine_grained_directly),
    "paper": Construction(4, fine_grained_as_in_the_paper),
    "shifted_relu": Construction(normalization="shifted_relu"),
    "mimic_norm": Construction(normalization="mimic_norm"),
    "normalizer_free": Construction(normalization="normalizer_free", clips_gradients=True),
}


def build(network: str, variant: str, side: int) -> keras.Model:
    """Builds a network with a variant's normalisation and random weights.

    The Finets are without squeeze-excite, as where the paper compares costs (Table 2), and have
    1000 classes; ResNet18 has the CIFAR stem and 10.
    """
    if variant == "fused" and framework().fused_batch_norm is None:
        raise NotAvailable(f"{keras.backend.backend()} has no fused batch normalisation kernel")
    construction = CONSTRUCTIONS[variant]
    if network == SMOKE_NETWORK and construction.normalization != "fbn":
        raise NotAvailable(f"{network} have batch normalisation only")
    model = fine_grained(network, side, construction.groups, construction.normalization)
    return replaced(model, construction.replace) if construction.replace else model


def fine_grained(network: str, side: int, groups: int, normalization: str = "fbn") -> keras.Model:
    if network == SMOKE_NETWORK:
        return two_layers(side, groups)
    arguments: dict[str, Any] = {"squeeze_excite": False}
    if network == "ResNet18":
        arguments = {"stem": "cifar", "classes": 10}
    builder = getattr(keras_finet, network)
    return builder(
        weights=None,
        input_shape=(side, side, 3),
        groups=groups,
        normalization=normalization,
        **arguments,
    )


def two_layers(side: int, groups: int) -> keras.Model:
    """A kernel of each kind, with and without an activation: for `--smoke` and tests.

    Momentum and epsilon are not Keras' defaults, so that it shows if they get lost.
    """
    common = {"groups": groups, "momentum": 0.9, "epsilon": 0.01}
    images = keras.Input((side, side, 3))
    x = layers.Conv2D(16, 3, strides=2)(images)
    x = FineGrained(24, 1, activation="relu", **common)(x)
    x = FineGrained(16, 3, strides=2, padding="same", **common)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(10, activation="softmax")(x))


def replaced(model: keras.Model, replace: Callable[[FineGrained, Tensor], Tensor]) -> keras.Model:
    """Builds the model anew with its fine-grained layers replaced, and new random weights."""

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(layer, FineGrained):
            return layer(*args, **kwargs)
        x = replace(layer, *args)
        if layer.activation is keras.activations.linear:
            return x
        return layers.Activation(layer.activation, name=f"{layer.name}_activation")(x)

    return keras.models.clone_model(model, call_function=call)
