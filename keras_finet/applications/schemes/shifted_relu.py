"""Weights of one bit and shifted ReLU: no normalisation but of the image (arXiv 1907.06916)."""

from keras import layers

from keras_finet.applications.classifier import Activation, Tensor, channel_axis
from keras_finet.applications.schemes.scheme import Scheme
from keras_finet.layers import ShiftedReLU, SignConv2D, SignDepthwiseConv2D

# Of the image's normalisation, in the authors' code.
IMAGE_EPSILON = 1e-5


class ShiftedReLUScheme(Scheme):
    """1-bit convolutions without bias; `max(x, -1)` where batch normalisation and ReLU stood.

    The paper's are: the weights, the normalisation of the image, the activation, scores divided by
    a temperature. Extrapolations to networks other than the paper's are: depthwise convolutions,
    the activation behind the sum of a residual block, squeeze-excite, hidden fully connected
    layers.

    Args:
        temperature: What the scores are divided by, because signals grow from layer to layer.
    """

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature

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
        x = SignConv2D(filters, kernel, strides=strides, padding=padding(kernel), name=name)(x)
        return _activated(x, name, activation)

    def depthwise(
        self, x: Tensor, kernel: int, name: str, strides: int = 1, activation: str | None = None
    ) -> Tensor:
        """`SignDepthwiseConv2D`, activation; a fan-in of `kernel ** 2` sets its scale."""
        x = SignDepthwiseConv2D(kernel, strides=strides, padding="same", name=name)(x)
        return _activated(x, name, activation)

    def fully_connected(
        self, pixel: Tensor, filters: int, name: str, activation: str | None = "relu"
    ) -> Tensor:
        """As `plain`."""
        return self.plain(pixel, filters, 1, name, activation=activation)

    def joined(self, x: Tensor, shortcut: Tensor | None, name: str) -> Tensor:
        """Shifted ReLU behind the sum."""
        if shortcut is not None:
            x = layers.Add(name=f"{name}_add")([x, shortcut])
        return ShiftedReLU(name=f"{name}_relu")(x)

    def scores(self, pixel: Tensor, classes: int, activation: Activation) -> Tensor:
        """A 1-bit 1x1 convolution, divided by the temperature."""
        x = self.plain(pixel, classes, 1, "logits", activation=None)
        x = layers.Rescaling(1 / self.temperature, name="temperature")(x)
        x = layers.Flatten(name="flatten")(x)
        return layers.Activation(activation, name="predictions")(x)


def padding(kernel: int) -> str:
    """What "same" is to a kernel; without it what an activation adds goes into a 1x1's bias."""
    return "valid" if kernel == 1 else "same"


def normalized_image(images: Tensor, epsilon: float) -> Tensor:
    """The batch normalisation of the image, with learned factors and offsets."""
    return layers.BatchNormalization(axis=channel_axis(), epsilon=epsilon, name="image_bn")(images)


def _activated(x: Tensor, name: str, activation: str | None) -> Tensor:
    if activation is None:
        return x
    if activation == "relu":
        return ShiftedReLU(name=f"{name}_relu")(x)
    return layers.Activation(activation, name=f"{name}_{activation}")(x)
