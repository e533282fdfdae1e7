"""Batch normalisation, plain and fine-grained, behind every convolution."""

from collections.abc import Callable
from typing import Any

from keras import layers

from keras_finet.applications.classifier import Activation, Tensor, channel_axis, dense_scores
from keras_finet.applications.schemes.scheme import Scheme
from keras_finet.layers import FineGrainedBatchNorm

# The paper's 0.1 in PyTorch's convention.
MOMENTUM = 0.9


class BatchNormScheme(Scheme):
    """Convolutions without bias, batch normalisation, activation.

    Args:
        epsilon: Of every normalisation.
    """

    def __init__(self, epsilon: float) -> None:
        self.epsilon = epsilon

    def plain(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """`Conv2D`, batch normalisation, activation."""
        x = layers.Conv2D(
            filters, kernel, strides=strides, padding="same", use_bias=False, name=name
        )(x)
        return self._normalized(x, name, activation)

    def depthwise(
        self, x: Tensor, kernel: int, name: str, strides: int = 1, activation: str | None = None
    ) -> Tensor:
        """`DepthwiseConv2D`, batch normalisation, activation."""
        x = layers.DepthwiseConv2D(
            kernel, strides=strides, padding="same", use_bias=False, name=name
        )(x)
        return self._normalized(x, name, activation)

    def fully_connected(
        self, pixel: Tensor, filters: int, name: str, activation: str | None = "relu"
    ) -> Tensor:
        """As `plain`."""
        return self.plain(pixel, filters, 1, name, activation=activation)

    def scores(self, pixel: Tensor, classes: int, activation: Activation) -> Tensor:
        """`Dense`."""
        return dense_scores(pixel, classes, activation)

    def _normalized(self, x: Tensor, name: str, activation: str | None) -> Tensor:
        x = layers.BatchNormalization(
            axis=channel_axis(), momentum=MOMENTUM, epsilon=self.epsilon, name=f"{name}_bn"
        )(x)
        if activation is None:
            return x
        return layers.Activation(activation, name=f"{name}_{activation}")(x)


class FineGrainedScheme(BatchNormScheme):
    """The same, with fine-grained batch normalisation (arXiv 2005.06828, section 3) in its place.

    Args:
        epsilon: Of every normalisation.
        affine: Whether fine-grained normalisations have learned factors and offsets.
        split: Function from a layer's input channels to what `FineGrainedBatchNorm` takes to split
            them.
    """

    def __init__(
        self, epsilon: float, affine: bool, split: Callable[[int], dict[str, Any]]
    ) -> None:
        super().__init__(epsilon)
        self.affine = affine
        self.split = split

    def fine_grained(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """`FineGrainedBatchNorm` with its activation."""
        return FineGrainedBatchNorm(
            filters,
            kernel,
            strides=strides,
            padding="same",
            activation=activation,
            momentum=MOMENTUM,
            epsilon=self.epsilon,
            center=self.affine,
            scale=self.affine,
            name=name,
            **self.split(x.shape[channel_axis()]),
        )(x)
