"""Finet: a light-weight network of 1x1 convolutions with fine-grained batch normalisation.

arXiv 2005.06828, section 4 and Table 1. Figure 2 (the block) is not in the paper's text; the block
here is the one whose parameters and multiply-accumulates are those of Table 2.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import layers

from keras_finet.applications.classifier import (
    ClassifierArguments,
    Tensor,
    build_classifier,
    check_stem,
    pooled_top,
)
from keras_finet.applications.documentation import documented
from keras_finet.applications.schemes import Branch, SchemeOptions, groups_of, scheme_of
from keras_finet.layers.arguments import positive_integer

# Widths of stages 2, 3 and 4 (Table 1).
WIDTHS = {"FinetSmall": (30, 60, 120), "FinetLarge": (100, 200, 400)}
BLOCKS = (4, 8, 4)
STEM_FILTERS = 24
HEAD_FILTERS = 1024
SQUEEZED_FILTERS = 200
# Of the scores with shifted ReLU: they start as close to each other as the paper's own network's.
TEMPERATURE = 2.0


@dataclass(frozen=True)
class FinetOptions(SchemeOptions):
    """The arguments that make a Finet a Finet; its text is what trained weights depend on."""

    squeeze_excite: bool
    stem: str
    # Trained weights do not depend on it.
    dropout_rate: float = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_stem(self.stem)


def divisor_groups(channels: int, groups: int) -> int:
    """Returns the number of groups that a Finet layer with `channels` inputs gets.

    The smallest divisor of `channels` that is at least `groups` and, if `groups` is even, even
    (30 channels and 4 groups give 6): the one rule found that gives Table 2's parameter counts.

    Raises:
        ValueError: if there is none.
    """
    positive_integer("groups", groups)
    for candidate in range(groups, channels + 1):
        if channels % candidate == 0 and (groups % 2 == 1 or candidate % 2 == 0):
            return candidate
    raise ValueError(
        f"Expected `groups` of which a multiple divides every layer's input channels. Received: "
        f"groups={groups} for a layer with {channels} input channels."
    )


class FinetBuilder:
    """Makes the layers of one Finet."""

    def __init__(self, widths: tuple[int, ...], options: FinetOptions) -> None:
        self.widths = widths
        self.options = options
        self.scheme = scheme_of(options, self._split, temperature=TEMPERATURE)

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Stages 2 to 4 and the last 1x1 convolution, behind the stem."""
        x = self.scheme.stem(images, STEM_FILTERS, 3, self.options.stem)
        maps = {}
        for stage, (filters, blocks) in enumerate(zip(self.widths, BLOCKS, strict=True), start=2):
            for block in range(1, blocks + 1):
                strides = 2 if block == 1 else 1
                x = self._block(x, filters, strides, f"stage{stage}_block{block}")
            maps[f"stage{stage}"] = x
        return {**maps, "conv5": self.scheme.plain(x, HEAD_FILTERS, 1, "conv5")}

    def head(self, x: Tensor) -> Tensor:
        """FC1, a 1x1 convolution because that needs no reshape on a phone, between dropouts."""
        x = layers.Dropout(self.options.dropout_rate, name="fc1_dropout")(x)
        x = self.scheme.fully_connected(x, HEAD_FILTERS, "fc1")
        return layers.Dropout(self.options.dropout_rate, name="predictions_dropout")(x)

    def _split(self, channels: int) -> dict[str, Any]:
        if self.options.channels_per_group is None:
            return {"groups": divisor_groups(channels, self.options.groups)}
        return {"channels_per_group": self.options.channels_per_group}

    def _block(self, inputs: Tensor, filters: int, strides: int, name: str) -> Tensor:
        scheme, gated = self.scheme, self.options.squeeze_excite
        branch = Branch(convolutions=2, added=strides == 1, gated=gated)
        x = scheme.fine_grained(inputs, filters, 1, f"{name}_pointwise1")
        x = scheme.depthwise(x, 3, f"{name}_depthwise", strides=strides)
        x = scheme.last(x, filters, 1, f"{name}_pointwise2", branch)
        if gated:
            gate = self._gate(inputs, filters, f"{name}_se")
            x = layers.Multiply(name=f"{name}_se_scale")([x, gate])
        return scheme.joined(x, inputs if branch.added else None, name)

    def _gate(self, x: Tensor, filters: int, name: str) -> Tensor:
        """Squeeze-excite: weights for the block's output from what went into the block."""
        x = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
        x = self.scheme.fully_connected(x, SQUEEZED_FILTERS, f"{name}_squeeze")
        return self.scheme.fully_connected(x, filters, f"{name}_excite", activation="sigmoid")


def _finet(size: str, arguments: ClassifierArguments, options: FinetOptions) -> keras.Model:
    builder = FinetBuilder(WIDTHS[size], options)
    variant = repr(options).replace("FinetOptions", size)
    top = pooled_top(builder.scheme.scores, builder.head)
    return build_classifier(arguments, builder.stages, top, variant=variant)


DOCUMENTATION = """\
Every 1x1 convolution of its blocks has fine-grained batch normalisation, unless `normalization`
says otherwise. `keras_finet.fuse` turns the trained model into one of plain convolutions, with the
same operations whatever `groups` was. Images are expected as `keras_finet.preprocess_input` makes
them.

Example:

>>> model = keras_finet.{name}(classes=10, input_shape=(32, 32, 3), stem="cifar")

Args:
{shared_arguments}
        In the order of the network: `"stage2"`, `"stage3"`, `"stage4"`, `"conv5"`, of strides 8,
        16, 32, 32 (with the CIFAR stem 2, 4, 8, 8).
    groups: Groups of every fine-grained batch normalisation, raised for a layer to the next
        divisor of its input channels (an even one if `groups` is even: 30 channels by 4 are 6
        groups). Defaults to 4. 1 is batch normalisation, the paper's baseline, and all that
        other values of `normalization` take.
    channels_per_group: Instead of `groups`: input channels in each group (Table 6).
    affine: Whether the fine-grained normalisations have learned factors and offsets (Table 5).
{normalization}
    squeeze_excite: Whether blocks have a squeeze-excite gate.
    stem: `"imagenet"`, or `"cifar"` for small images: first stride 1, no pool (section 5.3).
    dropout_rate: Rate of the dropout before each fully connected layer.
    epsilon: Of every normalisation with `"fbn"`. The paper's 1e-5 leaves dead channels that break
        int8.

Returns:
    A functional `keras.Model`. Parameters with 1000 classes, squeeze-excite and `groups=4`:
    {parameters} million; multiply-accumulates at 224 x 224, without the classifier: {macs}
    million (cut off, not rounded, as in Table 2).

Raises:
    ValueError: for arguments out of their range, or weights that do not fit.
"""


@documented(DOCUMENTATION, parameters="2.823", macs="43.0", temperature="2")
def FinetSmall(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "finet_small",
    *,
    features: Sequence[str] | None = None,
    groups: int | None = None,
    channels_per_group: int | None = None,
    affine: bool = True,
    normalization: str = "fbn",
    squeeze_excite: bool = True,
    stem: str = "imagenet",
    dropout_rate: float = 0.2,
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates the small Finet (arXiv 2005.06828, Table 1)."""
    return _finet(
        "FinetSmall",
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
        FinetOptions(
            normalization,
            groups_of(normalization, groups),
            channels_per_group,
            affine,
            epsilon,
            squeeze_excite,
            stem,
            dropout_rate,
        ),
    )


@documented(DOCUMENTATION, parameters="5.855", macs="303.2", temperature="2")
def FinetLarge(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "finet_large",
    *,
    features: Sequence[str] | None = None,
    groups: int | None = None,
    channels_per_group: int | None = None,
    affine: bool = True,
    normalization: str = "fbn",
    squeeze_excite: bool = True,
    stem: str = "imagenet",
    dropout_rate: float = 0.2,
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates the large Finet (arXiv 2005.06828, Table 1)."""
    return _finet(
        "FinetLarge",
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
        FinetOptions(
            normalization,
            groups_of(normalization, groups),
            channels_per_group,
            affine,
            epsilon,
            squeeze_excite,
            stem,
            dropout_rate,
        ),
    )
