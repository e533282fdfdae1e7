"""Scaled weight standardisation without normalisation (Brock et al., arXiv 2101.08692)."""

import math

from keras import layers

from keras_finet.applications.classifier import Activation, Tensor, dense_scores
from keras_finet.applications.schemes.scheme import Branch, Scheme
from keras_finet.layers import BranchScale, StandardizedConv2D, StandardizedDepthwiseConv2D

# sqrt(2 / (1 - 1 / pi)): with it ReLU keeps the variance of normal signals (Brock et al.).
GAIN = 1.713
# What a branch adds to its shortcut, as a part of the shortcut's expected deviation.
ALPHA = 0.2
# A gate of zeros in front of the sigmoid lets all pass.
GATE = 2.0


class ExpectedVariances:
    """The expected variances, or mean squares, of a network's tensors, where they are known."""

    def __init__(self) -> None:
        # With the tensor, so that its id stays its own.
        self._known: dict[int, tuple[Tensor, float]] = {}

    def of(self, x: Tensor, otherwise: float = 1.0) -> float:
        """The variance of a tensor, or `otherwise`."""
        return self._known.get(id(x), (x, otherwise))[1]

    def set(self, x: Tensor, variance: float) -> None:
        """Says what the variance of a tensor is."""
        self._known[id(x)] = (x, variance)


class NormalizerFreeScheme(Scheme):
    """Convolutions with standardised weights and biases; ReLU that keeps the variance.

    A residual block computes `x + 0.2 * g * branch(x / sqrt(v))`. `v` is the expected variance of
    `x`: 1 behind a block without a shortcut or one with a convolution in it, and 0.04 more behind
    every further sum. `g` is learned and starts at zero. Squeeze-excite is twice its sigmoid. All
    constants stand in the convolutions' gains, so nothing of them is computed on a phone.

    An extrapolation is the ReLU behind the sum, where the paper's networks have it in front of
    their branches. Hidden fully connected layers, squeeze-excite and the classifier are not
    standardised. Train it with `keras_finet.optimizers.AdaptiveGradientClipping`.
    """

    def __init__(self) -> None:
        self._variances = ExpectedVariances()

    def plain(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """`StandardizedConv2D` with its activation."""
        gain = GAIN if activation == "relu" else 1.0
        return self._convolution(x, filters, kernel, name, strides, activation, gain)

    def depthwise(
        self, x: Tensor, kernel: int, name: str, strides: int = 1, activation: str | None = None
    ) -> Tensor:
        """`StandardizedDepthwiseConv2D` with its activation."""
        return StandardizedDepthwiseConv2D(
            kernel,
            strides=strides,
            padding="same",
            activation=activation,
            gain=(GAIN if activation == "relu" else 1.0) / math.sqrt(self._variances.of(x)),
            name=name,
        )(x)

    def fully_connected(
        self, pixel: Tensor, filters: int, name: str, activation: str | None = "relu"
    ) -> Tensor:
        """`Conv2D` with its activation."""
        return layers.Conv2D(
            filters, 1, activation=activation, kernel_initializer="he_normal", name=name
        )(pixel)

    def last(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        branch: Branch,
        strides: int = 1,
    ) -> Tensor:
        """With the gain of what follows: the sum, or ReLU alone."""
        gain = (ALPHA if branch.added else GAIN) * (GATE if branch.gated else 1.0)
        x = self._convolution(x, filters, kernel, name, strides, None, gain)
        return BranchScale(0.0, name=f"{name}_scale")(x) if branch.added else x

    def joined(self, x: Tensor, shortcut: Tensor | None, name: str) -> Tensor:
        """The sum's variance is its shortcut's and what the branch adds."""
        y = super().joined(x, shortcut, name)
        if shortcut is not None:
            self._variances.set(y, self._variances.of(shortcut) + ALPHA**2)
        return y

    def scores(self, pixel: Tensor, classes: int, activation: Activation) -> Tensor:
        """`Dense`."""
        return dense_scores(pixel, classes, activation)

    def _convolution(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int,
        activation: str | None,
        gain: float,
    ) -> Tensor:
        return StandardizedConv2D(
            filters,
            kernel,
            strides=strides,
            padding="same",
            activation=activation,
            gain=gain / math.sqrt(self._variances.of(x)),
            name=name,
        )(x)
