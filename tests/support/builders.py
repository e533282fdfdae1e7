"""Every builder of the package, for the tests that all of them must pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras_finet


@dataclass(frozen=True)
class Builder:
    """A builder, the channels of its last feature map, and the strides of all of them in order."""

    build: Callable[..., Any]
    channels: int
    strides: dict[str, int]

    def __str__(self):
        return self.build.__name__


RESNET_STRIDES = {"stage2": 4, "stage3": 8, "stage4": 16, "stage5": 32}
FINET_STRIDES = {"stage2": 8, "stage3": 16, "stage4": 32, "conv5": 32}
MNASNET_STRIDES = {f"stage{i}": 2**n for i, n in enumerate((1, 2, 3, 4, 4, 5, 5), start=2)}

BUILDERS = [
    Builder(keras_finet.FinetSmall, 1024, FINET_STRIDES),
    Builder(keras_finet.FinetLarge, 1024, FINET_STRIDES),
    Builder(keras_finet.ResNet18, 512, RESNET_STRIDES),
    Builder(keras_finet.ResNet50, 2048, RESNET_STRIDES),
    Builder(keras_finet.ShuffleNetV2, 1024, FINET_STRIDES),
    Builder(keras_finet.MnasNet, 1280, {**MNASNET_STRIDES, "conv9": 32}),
]

# One of each family: the others are other rows of its table.
FAMILIES = [each for each in BUILDERS if str(each) not in {"FinetLarge", "ResNet50"}]
