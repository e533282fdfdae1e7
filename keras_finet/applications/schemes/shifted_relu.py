"""Weights of one bit and shifted ReLU: no normalisation but of the image (arXiv 1907.06916)."""

import math

from keras import layers

from keras_finet.applications.classifier import Activation, Tensor, channel_axis
from keras_finet.applications.schemes.normalizer_free import GATE, ExpectedVariances
from keras_finet.applications.schemes.scheme import Branch, Scheme
from keras_finet.layers import ShiftedReLU, SignConv2D, SignDepthwiseConv2D

# Of the image's normalisation, in the authors' code.
IMAGE_EPSILON = 1e-5
# E[max(z, -1)^2] of a standard normal z: 1 - exp(-1 / 2) / sqrt(2 pi).
ACTIVATED = 1.0 - math.exp(-0.5) / math.sqrt(2.0 * math.pi)
# What a branch adds to its shortcut, as a deviation.
ALPHA = 0.5
# How much of the moment that a branch adds is left behind max(x, -1).
KEPT = 0.5


class ShiftedReLUScheme(Scheme):
    """1-bit convolutions without bias; `max(x, -1)` where batch normalisation and ReLU stood.

    The paper's are: weights of one bit times a constant, and their gradients, the normalisation of
    the image, the activation, scores divided by a temperature.

    An extrapolation to networks other than the paper's is the constant. With the paper's,
    `sqrt(2 / fan_in)`, a convolution of unit normal signals behind `max(x, -1)` has a variance of
    1.5, and one behind another convolution 2. That is little in the paper's nine blocks of two
    convolutions with an activation in front of each. In a Finet's sixteen of three it multiplies
    signals by thousands, and `max(x, -1)` of these is but ReLU, so that all images come to the
    same. Here the constant is `1 / sqrt(fan_in * m)`, where m is the expected mean square of what
    the convolution reads: 1, or 0.758 behind `max(x, -1)`. So each starts with a variance of 1. A
    branch that is added to a shortcut is halved, and where a gate multiplies it, doubled; m is
    0.125 more behind every sum. The constants stand in the convolutions' gains, so nothing of them
    is computed on a phone.

    Further extrapolations are depthwise convolutions, the activation behind the sum of a residual
    block, squeeze-excite, hidden fully connected layers, the temperature's value.

    Args:
        temperature: What the scores are divided by.
    """

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature
        # The mean squares; a tensor that is not in it is 1, or no activation's.
        self._squares = ExpectedVariances()

    def first(
        self, images: Tensor, filters: int, kernel: int, name: str, strides: int = 1
    ) -> Tensor:
        """The image is normalised."""
        return self.plain(normalized_image(images, IMAGE_EPSILON), filters, kernel, name, strides)

    def plain(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """`SignConv2D`, activation."""
        x = self._convolution(x, filters, kernel, name, strides)
        return self._activated(x, name, activation)

    def depthwise(
        self, x: Tensor, kernel: int, name: str, strides: int = 1, activation: str | None = None
    ) -> Tensor:
        """`SignDepthwiseConv2D`, activation; a fan-in of `kernel ** 2` sets its scale."""
        x = SignDepthwiseConv2D(
            kernel, strides=strides, padding="same", gain=self._gain(x), name=name
        )(x)
        return self._activated(x, name, activation)

    def fully_connected(
        self, pixel: Tensor, filters: int, name: str, activation: str | None = "relu"
    ) -> Tensor:
        """As `plain`."""
        return self.plain(pixel, filters, 1, name, activation=activation)

    def last(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        branch: Branch,
        strides: int = 1,
    ) -> Tensor:
        """With the factor of a branch, and of its gate."""
        factor = (ALPHA if branch.added else 1.0) * (GATE if branch.gated else 1.0)
        return self._convolution(x, filters, kernel, name, strides, factor)

    def joined(self, x: Tensor, shortcut: Tensor | None, name: str) -> Tensor:
        """Shifted ReLU behind the sum."""
        square = ACTIVATED
        if shortcut is not None:
            square = self._squares.of(shortcut, ACTIVATED) + KEPT * ALPHA**2
            x = layers.Add(name=f"{name}_add")([x, shortcut])
        x = ShiftedReLU(name=f"{name}_relu")(x)
        self._squares.set(x, square)
        return x

    def scores(self, pixel: Tensor, classes: int, activation: Activation) -> Tensor:
        """A 1-bit 1x1 convolution, divided by the temperature."""
        x = self.plain(pixel, classes, 1, "logits", activation=None)
        x = layers.Rescaling(1 / self.temperature, name="temperature")(x)
        x = layers.Flatten(name="flatten")(x)
        return layers.Activation(activation, name="predictions")(x)

    def _convolution(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int,
        factor: float = 1.0,
    ) -> Tensor:
        return SignConv2D(
            filters,
            kernel,
            strides=strides,
            padding=padding(kernel),
            gain=factor * self._gain(x),
            name=name,
        )(x)

    def _gain(self, x: Tensor) -> float:
        """What the paper's constant is multiplied by for outputs with a variance of 1."""
        return 1.0 / math.sqrt(2.0 * self._squares.of(x))

    def _activated(self, x: Tensor, name: str, activation: str | None) -> Tensor:
        if activation is None:
            return x
        if activation != "relu":
            return layers.Activation(activation, name=f"{name}_{activation}")(x)
        x = ShiftedReLU(name=f"{name}_relu")(x)
        self._squares.set(x, ACTIVATED)
        return x


def padding(kernel: int) -> str:
    """What "same" is to a kernel; without it what an activation adds goes into a 1x1's bias."""
    return "valid" if kernel == 1 else "same"


def normalized_image(images: Tensor, epsilon: float) -> Tensor:
    """The batch normalisation of the image, with learned factors and offsets."""
    return layers.BatchNormalization(axis=channel_axis(), epsilon=epsilon, name="image_bn")(images)
