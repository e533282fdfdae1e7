"""MnasNet A1 and B1, comparison models of arXiv 2005.06828 (Tables 2 and 4).

Tan et al., 2018 (arXiv 1807.11626): Figure 7 is A1, with squeeze-excite; B1 is the one without.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import layers

from keras_finet.applications.classifier import (
    ClassifierArguments,
    Tensor,
    build_classifier,
    channel_axis,
    pooled_top,
)
from keras_finet.applications.documentation import documented
from keras_finet.applications.schemes import BatchNormScheme


class Stage(NamedTuple):
    """A row of the table: blocks of one kind, the first of which has the stride."""

    blocks: int
    kernel: int
    strides: int
    expansion: int
    filters: int
    squeeze_excite: bool = False


# The stages behind the first convolution, numbered from 2.
VARIANTS = {
    "a1": (
        Stage(1, 3, 1, 1, 16),
        Stage(2, 3, 2, 6, 24),
        Stage(3, 5, 2, 3, 40, squeeze_excite=True),
        Stage(4, 3, 2, 6, 80),
        Stage(2, 3, 1, 6, 112, squeeze_excite=True),
        Stage(3, 5, 2, 6, 160, squeeze_excite=True),
        Stage(1, 3, 1, 6, 320),
    ),
    "b1": (
        Stage(1, 3, 1, 1, 16),
        Stage(3, 3, 2, 3, 24),
        Stage(3, 5, 2, 3, 40),
        Stage(3, 5, 2, 6, 80),
        Stage(2, 3, 1, 6, 96),
        Stage(4, 5, 2, 6, 192),
        Stage(1, 3, 1, 6, 320),
    ),
}
STEM_FILTERS = 32
HEAD_FILTERS = 1280
# Squeezed channels to one channel of a block's input.
SQUEEZE_RATIO = 0.25


class MnasNetBuilder:
    """Makes the layers of one MnasNet."""

    def __init__(self, variant: str, dropout_rate: float, epsilon: float) -> None:
        self.variant = variant
        self.dropout_rate = dropout_rate
        self.scheme = BatchNormScheme(epsilon)

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Stages 2 to 8 and the last 1x1 convolution, behind the first one."""
        x = self.scheme.plain(images, STEM_FILTERS, 3, "conv1", strides=2)
        maps = {}
        for number, stage in enumerate(VARIANTS[self.variant], start=2):
            for block in range(1, stage.blocks + 1):
                strides = stage.strides if block == 1 else 1
                x = self._block(x, stage, strides, f"stage{number}_block{block}")
            maps[f"stage{number}"] = x
        return {**maps, "conv9": self.scheme.plain(x, HEAD_FILTERS, 1, "conv9")}

    def head(self, x: Tensor) -> Tensor:
        """Dropout between the pool and the classifier."""
        return layers.Dropout(self.dropout_rate, name="predictions_dropout")(x)

    def _block(self, inputs: Tensor, stage: Stage, strides: int, name: str) -> Tensor:
        channels = inputs.shape[channel_axis()]
        x = inputs
        if stage.expansion > 1:
            x = self.scheme.plain(x, channels * stage.expansion, 1, f"{name}_expand")
        x = self.scheme.depthwise(
            x, stage.kernel, f"{name}_depthwise", strides=strides, activation="relu"
        )
        if stage.squeeze_excite:
            x = self._scaled(x, int(channels * SQUEEZE_RATIO), f"{name}_se")
        x = self.scheme.plain(x, stage.filters, 1, f"{name}_project", activation=None)
        if strides == 1 and channels == stage.filters:
            x = layers.Add(name=f"{name}_add")([x, inputs])
        return x

    def _scaled(self, x: Tensor, squeezed: int, name: str) -> Tensor:
        """Squeeze-excite, whose convolutions have biases and no normalisation here."""
        gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
        gate = layers.Conv2D(squeezed, 1, activation="relu", name=f"{name}_squeeze")(gate)
        gate = layers.Conv2D(
            x.shape[channel_axis()], 1, activation="sigmoid", name=f"{name}_excite"
        )(gate)
        return layers.Multiply(name=f"{name}_scale")([x, gate])


DOCUMENTATION = """\
The network of arXiv 1807.11626, with batch normalisation: a comparison model of arXiv 2005.06828
(Tables 2 and 4). `keras_finet.fine_grain` puts fine-grained batch normalisation into it. Images are
expected as `keras_finet.preprocess_input` makes them. Padding is Keras' "same", as in the authors'
code.

Example:

>>> model = keras_finet.{name}(variant="b1", classes=10, input_shape=(64, 64, 3))

Args:
{shared_arguments}
        In the order of the network: `"stage2"` to `"stage8"`, of strides 2, 4, 8, 16, 16, 32, 32,
        and `"conv9"`, of stride 32.
    variant: `"a1"`, with squeeze-excite in three of its stages (Figure 7), or `"b1"`, without.
    dropout_rate: Rate of the dropout before the fully connected layer.
    epsilon: Of every normalisation.

Returns:
    A functional `keras.Model`. With 1000 classes A1 has 3,887,038 trainable parameters and 312
    million multiply-accumulates at 224 x 224; B1 has 4,383,312, as torchvision's, and 315 million.

Raises:
    ValueError: for arguments out of their range, or weights that do not fit.
"""


@documented(DOCUMENTATION)
def MnasNet(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "mnasnet",
    *,
    features: Sequence[str] | None = None,
    variant: str = "a1",
    dropout_rate: float = 0.2,
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates MnasNet-A1 or MnasNet-B1."""
    if variant not in tuple(VARIANTS):
        raise ValueError(
            f"Expected `variant` to be one of {tuple(VARIANTS)}. Received: {variant!r}"
        )
    network = MnasNetBuilder(variant, dropout_rate, epsilon)
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
        pooled_top(head=network.head),
        variant=f"MnasNet(variant={variant!r}, epsilon={epsilon})",
    )
