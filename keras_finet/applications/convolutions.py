"""The convolutions that the networks are made of, each with its normalisation and activation."""

from dataclasses import dataclass
from typing import Any

from keras import layers

from keras_finet.applications.classifier import Tensor, channel_axis, check_stem
from keras_finet.layers import FineGrainedBatchNorm

# The paper's 0.1 in PyTorch's convention.
MOMENTUM = 0.9


@dataclass(frozen=True)
class Convolutions:
    """Makes convolutions without bias. Each is normalised; names are those of its layers.

    Attributes:
        epsilon: Of every normalisation.
        affine: Whether fine-grained normalisations have learned factors and offsets.
    """

    epsilon: float
    affine: bool = True

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

    def fine_grained(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
        **split: Any,
    ) -> Tensor:
        """`FineGrainedBatchNorm` with its activation; `split` are its groups."""
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
            **split,
        )(x)

    def stem(self, images: Tensor, filters: int, kernel: int, kind: str) -> Tensor:
        """First convolution and pool of a network.

        `"imagenet"`: stride 2, then a pool of stride 2. `"cifar"`, for small images: a 3x3
        convolution of stride 1 and no pool (arXiv 2005.06828, section 5.3).

        Raises:
            ValueError: for another `kind`.
        """
        check_stem(kind)
        if kind == "cifar":
            return self.plain(images, filters, 3, "conv1")
        x = self.plain(images, filters, kernel, "conv1", strides=2)
        return layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)

    def _normalized(self, x: Tensor, name: str, activation: str | None) -> Tensor:
        x = layers.BatchNormalization(
            axis=channel_axis(), momentum=MOMENTUM, epsilon=self.epsilon, name=f"{name}_bn"
        )(x)
        if activation is None:
            return x
        return layers.Activation(activation, name=f"{name}_{activation}")(x)
