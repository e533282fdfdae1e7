"""ResNet18 and ResNet50 with fine-grained batch normalisation.

He et al., 2015 (arXiv 1512.03385), Table 1; ResNet50 is v1.5, whose bottlenecks have their stride
in the 3x3 convolution. The normalisation is that of arXiv 2005.06828, section 5.3 and Table 7.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_finet.applications.classifier import (
    ClassifierArguments,
    Tensor,
    build_classifier,
    channel_axis,
    pooled_top,
)
from keras_finet.applications.documentation import documented
from keras_finet.applications.schemes import Branch, SchemeOptions, groups_of, scheme_of

WIDTHS = (64, 128, 256, 512)
STEM_FILTERS = 64
# Of the scores with shifted ReLU: they start as close to each other as the paper's own network's.
TEMPERATURE = 2.0


@dataclass(frozen=True)
class Variant:
    """A column of Table 1: blocks in each stage, kernels and widths of a block's convolutions.

    A block's last convolution has `expansion` times the filters of the others; `strided` is the
    index of the one that takes the block's stride.
    """

    blocks: tuple[int, ...]
    kernels: tuple[int, ...]
    expansion: int
    strided: int


VARIANTS = {
    "ResNet18": Variant(blocks=(2, 2, 2, 2), kernels=(3, 3), expansion=1, strided=0),
    "ResNet50": Variant(blocks=(3, 4, 6, 3), kernels=(1, 3, 1), expansion=4, strided=1),
}


@dataclass(frozen=True)
class ResNetOptions(SchemeOptions):
    """What is not in Table 1; its text is what trained weights depend on."""

    stem: str


class ResNetBuilder:
    """Makes the layers of one ResNet."""

    def __init__(self, variant: Variant, options: ResNetOptions) -> None:
        self.variant = variant
        self.options = options
        split = {"groups": options.groups, "channels_per_group": options.channels_per_group}
        self.scheme = scheme_of(options, lambda channels: split, temperature=TEMPERATURE)

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Stages 2 to 5 (conv2_x to conv5_x), behind the stem."""
        x = self.scheme.stem(images, STEM_FILTERS, 7, self.options.stem)
        maps = {}
        for stage, (width, blocks) in enumerate(
            zip(WIDTHS, self.variant.blocks, strict=True), start=2
        ):
            for block in range(1, blocks + 1):
                strides = 2 if block == 1 and stage > 2 else 1
                x = self._block(x, width, strides, f"stage{stage}_block{block}")
            maps[f"stage{stage}"] = x
        return maps

    def _block(self, inputs: Tensor, width: int, strides: int, name: str) -> Tensor:
        variant = self.variant
        outputs = width * variant.expansion
        shortcut = inputs
        if strides > 1 or inputs.shape[channel_axis()] != outputs:
            shortcut = self.scheme.fine_grained(
                inputs, outputs, 1, f"{name}_shortcut", strides, activation=None
            )
        x = inputs
        *others, last = (
            (f"{name}_conv{index + 1}", kernel, strides if index == variant.strided else 1)
            for index, kernel in enumerate(variant.kernels)
        )
        for conv, kernel, stride in others:
            x = self.scheme.fine_grained(x, width, kernel, conv, stride)
        conv, kernel, stride = last
        branch = Branch(convolutions=len(variant.kernels), added=True)
        x = self.scheme.last(x, outputs, kernel, conv, branch, stride)
        return self.scheme.joined(x, shortcut, name)


def _resnet(builder: str, arguments: ClassifierArguments, options: ResNetOptions) -> keras.Model:
    network = ResNetBuilder(VARIANTS[builder], options)
    variant = repr(options).replace("ResNetOptions", builder)
    top = pooled_top(network.scheme.scores)
    return build_classifier(arguments, network.stages, top, variant=variant)


DOCUMENTATION = """\
The network of arXiv 1512.03385, Table 1{version}. Fine-grained is the normalisation of every
convolution, those of the shortcuts included, but the first, whose image has too few channels to
split: the paper (arXiv 2005.06828, section 5.3 and Table 7) says only "ResNet with FBN". Other
values of `normalization` change that.
`keras_finet.fuse` turns the trained model into one of plain convolutions, with the same operations
whatever `groups` was. Images are expected as `keras_finet.preprocess_input` makes them.

Padding is Keras' "same", which mobile runtimes do inside a convolution. Where a side is even, a
convolution or pool of stride 2 then pads less at the top and left than PyTorch's does, so
PyTorch's weights would not give PyTorch's outputs.

Example:

>>> model = keras_finet.{name}(classes=10, input_shape=(32, 32, 3), stem="cifar", groups=2)

Args:
{shared_arguments}
        In the order of the network: `"stage2"` to `"stage5"` (conv2_x to conv5_x), of strides 4,
        8, 16, 32 (with the CIFAR stem 1, 2, 4, 8).
    groups: Groups of every fine-grained batch normalisation. Defaults to 4. 1 is batch
        normalisation, and all that other values of `normalization` take.
    channels_per_group: Instead of `groups`: input channels in each group.
    affine: Whether the fine-grained normalisations have learned factors and offsets.
{normalization}
    stem: `"imagenet"`, or `"cifar"` for small images: a first convolution of 3x3 and stride 1
        in place of 7x7 and stride 2, and no pool (section 5.3).
    epsilon: Of every normalisation with `"fbn"`. PyTorch's 1e-5 leaves dead channels that break
        int8.

Returns:
    A functional `keras.Model`. With 1000 classes, the ImageNet stem and `groups=1` it has
    {parameters} trainable parameters, as torchvision's; {macs} million multiply-accumulates at
    224 x 224.

Raises:
    ValueError: for arguments out of their range, or weights that do not fit.
"""


@documented(DOCUMENTATION, version="", parameters="11,689,512", macs="1,814", temperature="2")
def ResNet18(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "resnet18",
    *,
    features: Sequence[str] | None = None,
    groups: int | None = None,
    channels_per_group: int | None = None,
    affine: bool = True,
    normalization: str = "fbn",
    stem: str = "imagenet",
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates ResNet18 with fine-grained batch normalisation."""
    return _resnet(
        "ResNet18",
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
        ResNetOptions(
            normalization,
            groups_of(normalization, groups),
            channels_per_group,
            affine,
            epsilon,
            stem,
        ),
    )


@documented(
    DOCUMENTATION,
    version=", v1.5: a bottleneck's stride is in its 3x3 convolution",
    parameters="25,557,032",
    macs="4,089",
    temperature="2",
)
def ResNet50(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "resnet50",
    *,
    features: Sequence[str] | None = None,
    groups: int | None = None,
    channels_per_group: int | None = None,
    affine: bool = True,
    normalization: str = "fbn",
    stem: str = "imagenet",
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates ResNet50 with fine-grained batch normalisation."""
    return _resnet(
        "ResNet50",
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
        ResNetOptions(
            normalization,
            groups_of(normalization, groups),
            channels_per_group,
            affine,
            epsilon,
            stem,
        ),
    )
