"""ShuffleNetV2, a comparison model of arXiv 2005.06828 (Tables 2 and 4).

Ma et al., 2018 (arXiv 1807.11164): section 3.2, Figure 3 and Table 5.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from keras_finet.applications.classifier import (
    ClassifierArguments,
    Tensor,
    build_classifier,
    channel_axis,
    check_stem,
    pooled_top,
)
from keras_finet.applications.documentation import documented
from keras_finet.applications.schemes import BatchNormScheme
from keras_finet.layers import ChannelShuffleSplit

# Table 5: filters of stages 2 to 4 and of conv5.
WIDTHS = {
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}
UNITS = (4, 8, 4)
STEM_FILTERS = 24


class ShuffleNetV2Builder:
    """Makes the layers of one ShuffleNetV2."""

    def __init__(self, widths: tuple[int, ...], stem: str, epsilon: float) -> None:
        self.widths = widths
        self.stem = stem
        self.scheme = BatchNormScheme(epsilon)

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Stages 2 to 4 and the last 1x1 convolution, behind the stem."""
        x = self.scheme.stem(images, STEM_FILTERS, 3, self.stem)
        maps = {}
        *stage_widths, head_filters = self.widths
        for stage, (filters, units) in enumerate(zip(stage_widths, UNITS, strict=True), start=2):
            for unit in range(1, units + 1):
                make = self._strided_unit if unit == 1 else self._unit
                x = make(x, filters // 2, f"stage{stage}_unit{unit}")
            maps[f"stage{stage}"] = x
        return {**maps, "conv5": self.scheme.plain(x, head_filters, 1, "conv5")}

    def _strided_unit(self, x: Tensor, filters: int, name: str) -> Tensor:
        """Figure 3 (d): the first unit of a stage works on all channels in both branches."""
        shortcut = self.scheme.depthwise(x, 3, f"{name}_shortcut_depthwise", strides=2)
        shortcut = self.scheme.plain(shortcut, filters, 1, f"{name}_shortcut_pointwise")
        return self._joined(shortcut, self._branch(x, filters, 2, name), name)

    def _unit(self, x: Tensor, filters: int, name: str) -> Tensor:
        """Figure 3 (c), behind the shuffle of the unit before it."""
        kept, x = ChannelShuffleSplit(name=f"{name}_shuffle_split")(x)
        return self._joined(kept, self._branch(x, filters, 1, name), name)

    def _branch(self, x: Tensor, filters: int, strides: int, name: str) -> Tensor:
        x = self.scheme.plain(x, filters, 1, f"{name}_pointwise1")
        x = self.scheme.depthwise(x, 3, f"{name}_depthwise", strides=strides)
        return self.scheme.plain(x, filters, 1, f"{name}_pointwise2")

    def _joined(self, left: Tensor, right: Tensor, name: str) -> Tensor:
        return layers.Concatenate(axis=channel_axis(), name=f"{name}_concat")([left, right])


DOCUMENTATION = """\
The network of arXiv 1807.11164, Table 5, with batch normalisation: a comparison model of
arXiv 2005.06828 (Tables 2 and 4). `keras_finet.fine_grain` puts fine-grained batch normalisation
into it. Images are expected as `keras_finet.preprocess_input` makes them. Padding is Keras' "same".

The channel shuffle is a reshape, a transposition and a reshape of at most 4 dimensions: mobile GPUs
take no more, and processors are as fast with 5. It stands between the units of a stage and
transposes only the channels that the next unit keeps. Everywhere else a shuffle would only change
the order of a convolution's input channels, so this network and one that shuffles at the end of
every unit differ in nothing but the order of their weights. With TFLite on an x86-64 processor this
form takes 2 to 5 % less time in float32 and 16 % less in int8 than the latter (1.5x, 224 x 224).
`keras_finet.fuse` leaves these layers, `keras_finet.layers.ChannelShuffleSplit`, as they are.

Example:

>>> model = keras_finet.{name}(alpha=0.5, classes=10, input_shape=(32, 32, 3), stem="cifar")

Args:
{shared_arguments}
        In the order of the network: `"stage2"`, `"stage3"`, `"stage4"`, `"conv5"`, of strides 8,
        16, 32, 32 (with the CIFAR stem 2, 4, 8, 8).
    alpha: Width of the network: 0.5, 1.0, 1.5 or 2.0. Named as in
        `keras.applications.MobileNetV2`.
    stem: `"imagenet"`, or `"cifar"` for small images: first stride 1, no pool.
    epsilon: Of every normalisation. PyTorch's 1e-5 leaves dead channels that break int8.

Returns:
    A functional `keras.Model`. With 1000 classes and 224 x 224 pixels, by `alpha`: 1,366,792,
    2,278,604, 3,503,624 or 7,393,996 trainable parameters; 40.5, 144.9, 295.8 or 583.3
    million multiply-accumulates. Both are torchvision's counts; the paper gives 41, 146, 299 and
    591.

Raises:
    ValueError: for arguments out of their range, or weights that do not fit.
"""


@documented(DOCUMENTATION)
def ShuffleNetV2(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "shufflenet_v2",
    *,
    features: Sequence[str] | None = None,
    alpha: float = 1.0,
    stem: str = "imagenet",
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates ShuffleNetV2."""
    if not isinstance(alpha, int | float) or alpha not in WIDTHS:
        raise ValueError(f"Expected `alpha` to be one of {tuple(WIDTHS)}. Received: {alpha!r}")
    check_stem(stem)
    network = ShuffleNetV2Builder(WIDTHS[alpha], stem, epsilon)
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
        pooled_top(),
        variant=f"ShuffleNetV2(alpha={alpha}, stem={stem!r}, epsilon={epsilon})",
    )
