"""VGG16 for small images, as MimicNorm's authors have it.

The convolutions are those of Simonyan and Zisserman, 2014 (arXiv 1409.1556), configuration D. The
normalisation is MimicNorm's: centred weights, and one batch normalisation, of the scores.
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
    pooled_top,
)
from keras_finet.applications.documentation import documented
from keras_finet.applications.schemes import SchemeOptions, groups_of, scheme_of
from keras_finet.layers.arguments import positive_integer

# Filters and convolutions of each stage.
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
# Of the initial weights with MimicNorm, in place of 1.2 ^ 2 * 2.
VARIANCE = 2.8
TEMPERATURE = 2.0


@dataclass(frozen=True)
class CifarVGGOptions(SchemeOptions):
    """A builder's own arguments; its text is what trained weights depend on."""

    hidden_units: int
    # Trained weights do not depend on it.
    dropout_rate: float = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_integer("hidden_units", self.hidden_units)


class CifarVGGBuilder:
    """Makes the layers of one VGG."""

    def __init__(self, options: CifarVGGOptions) -> None:
        self.options = options
        split = {"groups": options.groups, "channels_per_group": options.channels_per_group}
        self.scheme = scheme_of(
            options, lambda channels: split, temperature=TEMPERATURE, variance=VARIANCE
        )

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Convolutions and a pool, five times."""
        x = images
        maps = {}
        for stage, (filters, convolutions) in enumerate(STAGES, start=1):
            for index in range(1, 1 + convolutions):
                name = f"stage{stage}_conv{index}"
                make = self.scheme.first if x is images else self.scheme.fine_grained
                x = make(x, filters, 3, name)
            x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
            maps[f"stage{stage}"] = x
        return maps

    def head(self, x: Tensor) -> Tensor:
        """Two hidden fully connected layers, each with dropout behind it."""
        for name in ("fc1", "fc2"):
            x = self.scheme.fully_connected(x, self.options.hidden_units, name)
            x = layers.Dropout(self.options.dropout_rate, name=f"{name}_dropout")(x)
        return x


DOCUMENTATION = """\
The thirteen convolutions of arXiv 1409.1556 (configuration D) and three fully connected layers, of
which the first reads a pooled pixel, so that an image may have any size. By default its
normalisation is MimicNorm: convolutions with biases, the mean of whose weights is kept at zero in
all but the first, and batch normalisation without factors and offsets of the scores alone.
`keras_finet.fuse` turns the trained model into one of plain convolutions. Images are expected as
`keras_finet.preprocess_input` makes them.

Example:

>>> model = keras_finet.{name}(classes=10, input_shape=(32, 32, 3))

Args:
{shared_arguments}
        In the order of the network: `"stage1"` to `"stage5"`, behind their pools, of strides 2 to
        32.
    groups: With `"fbn"`: groups of every fine-grained batch normalisation. Defaults to 4; 1 is
        batch normalisation.
    channels_per_group: Instead of `groups`: input channels in each group.
    affine: Whether the fine-grained normalisations have learned factors and offsets.
{normalization}
    hidden_units: Of both hidden fully connected layers.
    dropout_rate: Rate of the dropout behind each of them.
    epsilon: Of every normalisation with `"fbn"`.

Returns:
    A functional `keras.Model`. With MimicNorm and 100 classes it has 34,006,848 trainable
    parameters.

Raises:
    ValueError: for arguments out of their range, or weights that do not fit.
"""


@documented(DOCUMENTATION, temperature="2")
def CifarVGG16(  # noqa: N802 - builders are named like classes, as in keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, ...] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    name: str = "cifar_vgg16",
    *,
    features: Sequence[str] | None = None,
    groups: int | None = None,
    channels_per_group: int | None = None,
    affine: bool = True,
    normalization: str = "mimic_norm",
    hidden_units: int = 4096,
    dropout_rate: float = 0.5,
    epsilon: float = 1e-3,
) -> keras.Model:
    """Instantiates VGG16 for small images, normalised by MimicNorm."""
    options = CifarVGGOptions(
        normalization,
        groups_of(normalization, groups),
        channels_per_group,
        affine,
        epsilon,
        hidden_units,
        dropout_rate,
    )
    network = CifarVGGBuilder(options)
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
        pooled_top(network.scheme.scores, network.head),
        variant=repr(options).replace("CifarVGGOptions", "CifarVGG16"),
    )
