"""Wide residual networks with weights of one bit, and shifted ReLU in place of batch normalisation.

McDonnell et al., 2019 (arXiv 1907.06916), and McDonnell, 2018 (arXiv 1802.08530), whose networks
have batch normalisation.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from keras_finet.applications.classifier import (
    Activation,
    ClassifierArguments,
    Tensor,
    build_classifier,
    channel_axis,
)
from keras_finet.applications.documentation import documented
from keras_finet.applications.schemes import check_choice, normalized_image, padding
from keras_finet.layers import ShiftedReLU, SignConv2D
from keras_finet.layers.arguments import positive_integer, positive_number

NORMALIZATIONS = ("shifted_relu", "batch_norm")
STAGES = 3
# Channels of the first stage for a width of 1.
BASE_FILTERS = 16
# A stem, a classifier, and two convolutions in every block of three stages.
LAYERS_PER_BLOCK = 6
# Of CIFAR-10 (with and without 1-bit weights) and CIFAR-100.
TEMPERATURES = {True: 40.0, False: 80.0}
MANY_CLASSES_TEMPERATURE = 25.0
FEW_CLASSES = 10


@dataclass(frozen=True)
class WideResNetOptions:
    """A builder's own arguments; its text is what trained weights depend on."""

    depth: int
    width: int
    binary: bool
    normalization: str
    temperature: float | None
    epsilon: float

    def __post_init__(self) -> None:
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        positive_integer("width", self.width)
        if positive_integer("depth", self.depth) % LAYERS_PER_BLOCK != 2 or self.depth == 2:
            raise ValueError(
                "Expected `depth` to be 6 n + 2: 8, 14, 20, 26 and so on, with n blocks of two "
                f"convolutions in each of three stages. Received: {self.depth}"
            )
        if self.temperature is None:
            return
        if self.normalization == "batch_norm":
            raise ValueError(
                'Expected `temperature` only with normalization="shifted_relu". Received: '
                f'temperature={self.temperature} with normalization="batch_norm", which normalises '
                "the scores. Leave it out."
            )
        positive_number("temperature", self.temperature)


class WideResNetBuilder:
    """Makes the layers of one wide residual network."""

    def __init__(self, options: WideResNetOptions) -> None:
        self.options = options
        self.is_shifted = options.normalization == "shifted_relu"

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Stages 2 to 4, behind the first convolution, and the last one's activation."""
        options = self.options
        filters = BASE_FILTERS * options.width
        x = normalized_image(images, options.epsilon)
        x = self._convolution(x, filters, 3, "conv1")
        maps = {}
        for stage in range(2, 2 + STAGES):
            for block in range(1, 1 + (options.depth - 2) // LAYERS_PER_BLOCK):
                strides = 2 if block == 1 and stage > 2 else 1
                x = self._block(
                    x, filters * 2 ** (stage - 2), strides, f"stage{stage}_block{block}"
                )
            maps[f"stage{stage}"] = x
        return {**maps, "post_relu": self._activated(x, "post")}

    def top(self, features: Tensor, classes: int, activation: Activation) -> Tensor:
        """Scores for every pixel, on a scale for softmax, and their mean."""
        x = self._convolution(features, classes, 1, "logits")
        if self.is_shifted:
            x = layers.Rescaling(1 / self._temperature(classes), name="temperature")(x)
        else:
            x = self._normalized(x, "logits")
        x = layers.GlobalAveragePooling2D(name="global_pool")(x)
        return layers.Activation(activation, name="predictions")(x)

    def _temperature(self, classes: int) -> float:
        options = self.options
        if options.temperature is not None:
            return options.temperature
        if classes > FEW_CLASSES:
            return MANY_CLASSES_TEMPERATURE
        return TEMPERATURES[options.binary]

    def _block(self, inputs: Tensor, filters: int, strides: int, name: str) -> Tensor:
        x = self._activated(inputs, f"{name}_conv1_pre")
        x = self._convolution(x, filters, 3, f"{name}_conv1", strides)
        x = self._activated(x, f"{name}_conv2_pre")
        x = self._convolution(x, filters, 3, f"{name}_conv2")
        shortcut = _shrunk(inputs, filters, name) if strides > 1 else inputs
        return layers.Add(name=f"{name}_add")([x, shortcut])

    def _activated(self, x: Tensor, name: str) -> Tensor:
        if self.is_shifted:
            return ShiftedReLU(name=f"{name}_relu")(x)
        return layers.ReLU(name=f"{name}_relu")(self._normalized(x, name))

    def _normalized(self, x: Tensor, name: str) -> Tensor:
        return layers.BatchNormalization(
            axis=channel_axis(),
            center=False,
            scale=False,
            epsilon=self.options.epsilon,
            name=f"{name}_bn",
        )(x)

    def _convolution(
        self, x: Tensor, filters: int, kernel: int, name: str, strides: int = 1
    ) -> Tensor:
        options: dict[str, Any] = {"strides": strides, "padding": padding(kernel), "name": name}
        if self.options.binary:
            return SignConv2D(filters, kernel, **options)(x)
        return layers.Conv2D(
            filters, kernel, use_bias=False, kernel_initializer="he_normal", **options
        )(x)


def _shrunk(x: Tensor, filters: int, name: str) -> Tensor:
    """Half the size, and twice the channels, of which the new ones are zeros."""
    x = layers.AveragePooling2D(3, strides=2, padding="same", name=f"{name}_shortcut_pool")(x)
    new = (0, filters - x.shape[channel_axis()])
    # Keras has no layer that pads channels: this one takes them for a side of the image.
    is_last = channel_axis() == -1
    return layers.ZeroPadding2D(
        ((0, 0), new) if is_last else (new, (0, 0)),
        data_format="channels_first" if is_last else "channels_last",
        name=f"{name}_shortcut_pad",
    )(x)


DOCUMENTATION = """\
The network of arXiv 1907.06916 for small images: every convolution has 1-bit weights, times a
constant, and no bias; `max(x, -1)` stands in front of all but the first. Blocks are
pre-activation; a shortcut into fewer pixels is a 3x3 average pool with channels of zeros added.
Only the image is normalised. The scores of all pixels are divided by a temperature, because
signals grow from block to block, and averaged. With `normalization="batch_norm"` it is that of
arXiv 1802.08530, which normalises, without factors and offsets, in front of every ReLU and the
scores. `keras_finet.fuse` turns the trained model into one of plain convolutions.

`normalization="shifted_relu"` of the Finet and ResNet builders is another network in the same
manner.

Example:

>>> model = keras_finet.{name}(depth=8, width=1, classes=10, input_shape=(32, 32, 3))

Args:
{shared_arguments}
        In the order of the network: `"stage2"`, `"stage3"`, `"stage4"`, of strides 1, 2, 4, in
        front of their activations, and `"post_relu"`, the activation of the last.
    depth: 6 n + 2, for n blocks in each stage.
    width: Factor of the stages' 16, 32 and 64 channels.
    binary: Whether weights have one bit.
    normalization: `"shifted_relu"` or `"batch_norm"`.
    temperature: What the scores are divided by, with `"shifted_relu"`. Defaults to the paper's: up
        to 10 classes 40, or 80 without `binary`; else 25.
    epsilon: Of every normalisation.

Returns:
    A functional `keras.Model`. By default, for 10 classes, it has 26,737,120 weights in its
    convolutions and 6 more of the image's normalisation, and on 32 x 32 pixels 4,016 million
    multiply-accumulates; for 100 classes 26,794,720 weights.

Raises:
    ValueError: for arguments out of their range, or weights that do not fit.
"""


@documented(DOCUMENTATION)
def WideResNet(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "wide_resnet",
    *,
    features: Sequence[str] | None = None,
    depth: int = 20,
    width: int = 10,
    binary: bool = True,
    normalization: str = "shifted_relu",
    temperature: float | None = None,
    epsilon: float = 1e-5,
) -> keras.Model:
    """Instantiates a wide residual network with 1-bit weights and shifted ReLU."""
    options = WideResNetOptions(depth, width, binary, normalization, temperature, epsilon)
    network = WideResNetBuilder(options)
    return build_classifier(
        ClassifierArguments(
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            name,
            features,
        ),
        network.stages,
        network.top,
        variant=repr(options).replace("WideResNetOptions", "WideResNet"),
    )
