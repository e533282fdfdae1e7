"""The units of networks with binary activations: ReActNet's, and those of "BNN - BN = ?"."""

import math
from collections.abc import Callable
from typing import Any

from keras import layers

from keras_finet.applications.classifier import Tensor, channel_axis, check_stem
from keras_finet.applications.schemes import ExpectedVariances
from keras_finet.layers import (
    MeanSignConv2D,
    RPReLU,
    RSign,
    SignStandardizedConv2D,
    StandardizedConv2D,
)

NORMALIZATIONS = ("batch_norm", "none", "bn_free")
# What a convolution adds to its shortcut, as a part of the shortcut's expected deviation.
ALPHA = 0.2

Shortcut = Callable[[Tensor], Tensor]


class BinaryUnits:
    """Makes the units of one network: `RPReLU(shortcut + normalised convolution(RSign(x)))`.

    Args:
        normalization: `"batch_norm"`, `"none"`, or `"bn_free"`: standardised weights, the
            convolution times 0.2, and RSign of the input over its expected deviation.
        binary: Whether the weights have one bit.
        epsilon: Of every batch normalisation.
    """

    def __init__(self, normalization: str, binary: bool, epsilon: float) -> None:
        self.normalization = normalization
        self.binary = binary
        self.epsilon = epsilon
        self._variances = ExpectedVariances()

    def stem(self, images: Tensor, filters: int, kernel: int, kind: str, pooled: bool) -> Tensor:
        """A convolution of the image in full precision, of stride 2 and, if wanted, with a pool.

        `kind` `"cifar"`: 3x3, stride 1, no pool.
        """
        check_stem(kind)
        is_large = kind == "imagenet"
        kind_of = StandardizedConv2D if self.normalization == "bn_free" else layers.Conv2D
        x = kind_of(
            filters,
            kernel if is_large else 3,
            strides=2 if is_large else 1,
            padding="same",
            use_bias=False,
            name="conv1",
        )(images)
        x = self._normalized(x, "conv1")
        if is_large and pooled:
            x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
        return x

    def unit(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        transition: Shortcut | None = None,
    ) -> Tensor:
        """One convolution with its own shortcut.

        Args:
            x: The input.
            filters: Of the convolution. Without `transition`, as many as channels or twice as
                many: the shortcut is then there twice.
            kernel: Its size.
            name: Of the convolution.
            strides: Of the convolution.
            transition: Function from the input, over its expected deviation, to the shortcut.
        """
        variance = self._variances.of(x)
        y = RSign(1 / math.sqrt(variance), name=f"{name}_sign")(x)
        y = self.convolution(y, filters, kernel, name, strides)
        if self.normalization == "bn_free":
            y = layers.Rescaling(ALPHA, name=f"{name}_alpha")(y)
        if transition is not None:
            shortcut, variance = transition(self._scaled(x, name)), 1.0
        elif filters == x.shape[channel_axis()]:
            shortcut = x
        else:
            shortcut = layers.Concatenate(axis=channel_axis(), name=f"{name}_twice")([x, x])
        y = layers.Add(name=f"{name}_add")([y, shortcut])
        y = RPReLU(name=f"{name}_rprelu")(y)
        if self.normalization == "bn_free":
            self._variances.set(y, variance + ALPHA**2)
        return y

    def convolution(
        self, x: Tensor, filters: int, kernel: int, name: str, strides: int = 1
    ) -> Tensor:
        """A convolution, with 1-bit weights if those are wanted, and its normalisation."""
        kind: Any
        options: dict[str, Any] = {"strides": strides, "padding": "same", "name": name}
        standardized = self.normalization == "bn_free"
        if self.binary:
            kind = SignStandardizedConv2D if standardized else MeanSignConv2D
            x = kind(filters, kernel, **options)(x)
        else:
            kind = StandardizedConv2D if standardized else layers.Conv2D
            x = kind(filters, kernel, use_bias=False, **options)(x)
        return self._normalized(x, name)

    def _scaled(self, x: Tensor, name: str) -> Tensor:
        variance = self._variances.of(x)
        if variance == 1.0:
            return x
        return layers.Rescaling(1 / math.sqrt(variance), name=f"{name}_shortcut_scale")(x)

    def _normalized(self, x: Tensor, name: str) -> Tensor:
        if self.normalization != "batch_norm":
            return x
        return layers.BatchNormalization(
            axis=channel_axis(), momentum=0.9, epsilon=self.epsilon, name=f"{name}_bn"
        )(x)
