"""ReActNet-A and ReActNet-18, binary networks with and without batch normalisation.

Liu et al., 2020 (arXiv 2003.03488); without batch normalisation Chen et al., 2021 (arXiv
2104.08215, "BNN - BN = ?").
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from keras_finet.applications.binary_units import NORMALIZATIONS, BinaryUnits
from keras_finet.applications.classifier import (
    ClassifierArguments,
    Tensor,
    build_classifier,
    channel_axis,
    check_stem,
    pooled_top,
)
from keras_finet.applications.documentation import documented
from keras_finet.applications.schemes import check_choice
from keras_finet.layers.arguments import positive_integer

# Of ReActNet-A: the stem's, and then those of each block.
WIDTHS_A = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
# Of the four stages of ReActNet-18.
WIDTHS_18 = (64, 128, 256, 512)
UNITS_18 = 4


@dataclass(frozen=True)
class ReActNetOptions:
    """A builder's own arguments; its text is what trained weights depend on."""

    normalization: str
    binary_weights: bool
    stem: str
    epsilon: float

    def __post_init__(self) -> None:
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        check_stem(self.stem)

    def units(self) -> BinaryUnits:
        """What makes the units of one network."""
        return BinaryUnits(self.normalization, self.binary_weights, self.epsilon)


@dataclass(frozen=True)
class ReActNetAOptions(ReActNetOptions):
    """The same for ReActNet-A, with its widths."""

    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        for width in self.widths:
            positive_integer("widths", width)
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        if not pairs or any(outputs not in (inputs, 2 * inputs) for inputs, outputs in pairs):
            raise ValueError(
                "Expected `widths` of which each is the one before it or twice that, because the "
                "shortcut of a binary convolution can only repeat its channels. Received: "
                f"{self.widths}"
            )


def _tuple_of(widths: Any) -> tuple[int, ...]:
    if not isinstance(widths, tuple | list):
        raise ValueError(f"Expected `widths` to be a sequence of integers. Received: {widths!r}")
    return tuple(widths)


class ReActNetABuilder:
    """Makes the layers of one ReActNet-A."""

    def __init__(self, options: ReActNetAOptions) -> None:
        self.options = options
        self.units = options.units()

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """The blocks behind the stem; a stage ends where the image is about to be halved."""
        first, *widths = self.options.widths
        x = self.units.stem(images, first, 3, self.options.stem, pooled=False)
        maps: dict[str, Tensor] = {}
        stage, block, doubled = 2, 0, False
        for filters in widths:
            doubles = filters != x.shape[channel_axis()]
            strides = 2 if doubles and doubled else 1
            doubled = doubled or doubles
            stage, block = (stage + 1, 1) if strides > 1 else (stage, block + 1)
            x = self._block(x, filters, strides, f"stage{stage}_block{block}")
            maps[f"stage{stage}"] = x
        return maps

    def _block(self, x: Tensor, filters: int, strides: int, name: str) -> Tensor:
        """A 3x3 unit that may halve the image, then a 1x1 unit that may double the channels."""

        def halved(x: Tensor) -> Tensor:
            return _pooled(x, name)

        channels = x.shape[channel_axis()]
        transition = halved if strides > 1 else None
        x = self.units.unit(x, channels, 3, f"{name}_conv1", strides, transition)
        return self.units.unit(x, filters, 1, f"{name}_conv2")


class ReActNet18Builder:
    """Makes the layers of one ReActNet-18."""

    def __init__(self, options: ReActNetOptions) -> None:
        self.options = options
        self.units = options.units()

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Stages 2 to 5, behind the stem."""
        x = self.units.stem(images, WIDTHS_18[0], 7, self.options.stem, pooled=True)
        maps = {}
        for stage, filters in enumerate(WIDTHS_18, start=2):
            for unit in range(1, 1 + UNITS_18):
                strides = 2 if unit == 1 and stage > 2 else 1
                x = self._unit(x, filters, strides, f"stage{stage}_conv{unit}")
            maps[f"stage{stage}"] = x
        return maps

    def _unit(self, x: Tensor, filters: int, strides: int, name: str) -> Tensor:
        def projected(x: Tensor) -> Tensor:
            return self.units.convolution(_pooled(x, name), filters, 1, f"{name}_shortcut")

        transition = projected if strides > 1 else None
        return self.units.unit(x, filters, 3, name, strides, transition)


def _pooled(x: Tensor, name: str) -> Tensor:
    return layers.AveragePooling2D(2, padding="same", name=f"{name}_shortcut_pool")(x)


DOCUMENTATION = """\
Activations have one bit, +1 or -1, and so have the weights of all convolutions but the first, up
to a factor for each filter. Every convolution has its own shortcut: `RPReLU(x +
conv(RSign(x)))`, with learned offsets for each channel in both. {structure} Images are expected
as `keras_finet.preprocess_input` makes them.

`normalization` is `"batch_norm"` behind every convolution (arXiv 2003.03488), or none of it:
`"bn_free"` (arXiv 2104.08215) has standardised weights, `x + 0.2 conv(RSign(x / sqrt(v)))` with
the expected variance v of x, and is to be trained with
`keras_finet.optimizers.AdaptiveGradientClipping`; `"none"` merely leaves batch normalisation out,
which that paper has for comparison.

`keras_finet.fuse` turns the trained model into one of plain convolutions. In plain TFLite 1-bit
weights and activations are as large and as slow as others.

Example:

>>> model = keras_finet.{name}(classes=10, input_shape=(32, 32, 3), stem="cifar")

Args:
{shared_arguments}
        In the order of the network: {features}
{own_arguments}    normalization: `"batch_norm"`, `"none"` or `"bn_free"`.
    binary_weights: Whether weights have one bit. The papers train with False first, and then
        with True from these weights.
    stem: `"imagenet"`, or `"cifar"` for small images: {cifar}.
    epsilon: Of every batch normalisation.

Returns:
    A functional `keras.Model`. {counts}

Raises:
    ValueError: for arguments out of their range, or weights that do not fit.
"""


@documented(
    DOCUMENTATION,
    structure=(
        "A block is a 3x3\nconvolution, which may halve the image (the shortcut is an average "
        "pool), and a 1x1 convolution,\nwhich may double the channels (the shortcut is there "
        "twice)."
    ),
    features=(
        '`"stage2"` to `"stage6"`, of strides 2 to 32\n        (with the CIFAR stem 1 to 16).'
    ),
    own_arguments=(
        "    widths: Channels of the stem and of every block, each the one before it or twice "
        "that. The\n        image is halved wherever they double but the first time.\n"
    ),
    cifar="first stride 1",
    counts=(
        'With 1000 classes and `"bn_free"` it has 28,253,184 binary\n    weights, 1,025,864 in '
        "the first convolution and the classifier, and 29,332,648 parameters in\n    total."
    ),
)
def ReActNetA(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "reactnet_a",
    *,
    features: Sequence[str] | None = None,
    widths: Sequence[int] = WIDTHS_A,
    normalization: str = "bn_free",
    binary_weights: bool = True,
    stem: str = "imagenet",
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates ReActNet-A, MobileNet's structure with binary convolutions."""
    options = ReActNetAOptions(normalization, binary_weights, stem, epsilon, _tuple_of(widths))
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
        ReActNetABuilder(options).stages,
        pooled_top(),
        variant=repr(options).replace("ReActNetAOptions", "ReActNetA"),
    )


@documented(
    DOCUMENTATION,
    structure=(
        "The convolutions are\nResNet18's; where the image is halved, the shortcut is an average "
        "pool and a 1x1 convolution,\nwhose weights are binary and its inputs not."
    ),
    features=(
        '`"stage2"` to `"stage5"`, of strides 4 to 32\n        (with the CIFAR stem 1 to 8).'
    ),
    own_arguments="",
    cifar="a first convolution of\n        3x3 and stride 1 in place of 7x7 and stride 2, no pool",
    counts=(
        'With 1000 classes and `"bn_free"` it has 11,157,504 binary\n    weights, 522,408 in the '
        "first convolution and the classifier, and 11,699,624 parameters in total."
    ),
)
def ReActNet18(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "reactnet18",
    *,
    features: Sequence[str] | None = None,
    normalization: str = "bn_free",
    binary_weights: bool = True,
    stem: str = "imagenet",
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates ReActNet-18, ResNet18's structure with binary convolutions."""
    options = ReActNetOptions(normalization, binary_weights, stem, epsilon)
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
        ReActNet18Builder(options).stages,
        pooled_top(),
        variant=repr(options).replace("ReActNetOptions", "ReActNet18"),
    )
