"""Every public layer and builder, once: how to build it small, and what must come of it.

`test_contracts.py` tries each row in what the package promises of all of them, and fails for a
layer or a builder that has no row here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

import keras_finet
from keras_finet.layers import (
    BranchScale,
    ChannelShuffleSplit,
    FineGrainedBatchNorm,
    MeanSignConv2D,
    RPReLU,
    RSign,
    ShiftedReLU,
    SignConv2D,
    SignDepthwiseConv2D,
    SignStandardizedConv2D,
    StandardizedConv2D,
    StandardizedDepthwiseConv2D,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Row:
    """What is public, and a small model of it.

    Attributes:
        public: The layer's class or the builder.
        operators: Those of the small model's converted file.
        arguments: For `public`.
        size: Height, width and channels of the images to try the model on.
        kept: Classes of the package that the fused model still holds.
        kept_normalizations: How many normalisations it still holds, behind no convolution.
        half_error: Largest relative error of the model in float16.
    """

    public: Callable[..., Any]
    operators: Mapping[str, int]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int, int] = (32, 32, 3)
    kept: tuple[type, ...] = ()
    kept_normalizations: int = 0
    half_error: float = 0.1

    def __str__(self):
        return self.public.__name__

    @property
    def image_shape(self):
        """The shape of an image in Keras' image data format."""
        height, width, channels = self.size
        channels_first = keras.config.image_data_format() == "channels_first"
        return (channels, height, width) if channels_first else (height, width, channels)


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer(Row):
    """A layer. A lost argument only shows if it is not the default."""

    def model(self):
        """A model of the layer alone, which has one output."""
        image = keras.Input(self.image_shape)
        outputs = self.public(**self.arguments)(image)
        if isinstance(outputs, tuple):
            axis = 1 if keras.config.image_data_format() == "channels_first" else -1
            outputs = keras.layers.Concatenate(axis=axis)(list(outputs))
        return keras.Model(image, outputs)


@dataclass(frozen=True, eq=False, kw_only=True)
class Builder(Row):
    """A builder.

    Attributes:
        strides: Of its feature maps, in order. The small model's last one has more than a pixel:
            the mean of one is no operator.
    """

    strides: Mapping[str, int]

    @property
    def build(self):
        return self.public

    def model(self):
        """A classifier that gives logits, because a softmax hides errors where it saturates."""
        return self.build(
            classes=5,
            input_shape=self.image_shape,
            classifier_activation=None,
            **self.arguments,
        )


WINDOW = {
    "kernel_size": (3, 1),
    "padding": "same",
    "dilation_rate": (1, 2),
    "activation": "relu",
    "activity_regularizer": "l2",
}
KERNEL = {"kernel_regularizer": "l2", "kernel_constraint": "non_neg"}
GAMMA = {"gamma_regularizer": "l2", "gamma_constraint": "non_neg"}

LAYERS = [
    Layer(
        public=FineGrainedBatchNorm,
        operators={"CONV_2D": 1},
        arguments={
            "filters": 4,
            "kernel_size": (3, 1),
            "strides": (1, 2),
            "padding": "same",
            "channels_per_group": 3,
            "activation": "relu",
            "momentum": 0.8,
            "epsilon": 1e-5,
            "statistics": "direct",
            "kernel_regularizer": keras.regularizers.L2(1e-4),
            "gamma_constraint": "non_neg",
        },
        size=(5, 6, 10),
    ),
    Layer(
        public=ChannelShuffleSplit,
        operators={"STRIDED_SLICE": 2, "RESHAPE": 3, "TRANSPOSE": 1, "CONCATENATION": 1},
        size=(4, 6, 8),
        kept=(ChannelShuffleSplit,),
    ),
    Layer(
        public=SignConv2D,
        operators={"CONV_2D": 1},
        arguments={
            **WINDOW,
            **KERNEL,
            "filters": 5,
            "kernel_initializer": "glorot_normal",
            "gain": 0.75,
        },
        size=(5, 6, 10),
    ),
    Layer(
        public=SignDepthwiseConv2D,
        operators={"DEPTHWISE_CONV_2D": 1},
        arguments={
            **WINDOW,
            "gain": 0.75,
            "depth_multiplier": 2,
            "depthwise_initializer": "glorot_normal",
            "depthwise_regularizer": "l2",
            "depthwise_constraint": "non_neg",
        },
        size=(5, 6, 4),
    ),
    Layer(
        public=StandardizedConv2D,
        operators={"CONV_2D": 1},
        arguments={
            **WINDOW,
            **KERNEL,
            **GAMMA,
            "filters": 5,
            "gain": 1.713,
            "epsilon": 1e-4,
            "bias_regularizer": "l2",
            "bias_constraint": "non_neg",
        },
        size=(5, 6, 10),
    ),
    Layer(
        public=SignStandardizedConv2D,
        operators={"CONV_2D": 1},
        arguments={**WINDOW, **KERNEL, **GAMMA, "filters": 5, "epsilon": 1e-4},
        size=(5, 6, 10),
    ),
    Layer(
        public=StandardizedDepthwiseConv2D,
        operators={"DEPTHWISE_CONV_2D": 1},
        arguments={
            **WINDOW,
            **GAMMA,
            "depth_multiplier": 2,
            "gain": 1.713,
            "epsilon": 1e-4,
            "depthwise_regularizer": "l2",
            "depthwise_constraint": "non_neg",
            "bias_regularizer": "l2",
            "bias_constraint": "non_neg",
        },
        size=(5, 6, 4),
    ),
    Layer(
        public=MeanSignConv2D,
        operators={"CONV_2D": 1},
        arguments={**WINDOW, **KERNEL, "filters": 5, "kernel_initializer": "glorot_normal"},
        size=(5, 6, 10),
    ),
    Layer(
        public=BranchScale,
        operators={"MUL": 1},
        arguments={"initial": 0.3, "regularizer": "l2", "constraint": "non_neg"},
        size=(5, 6, 4),
    ),
    Layer(
        public=RSign,
        operators={"ADD": 1, "GREATER_EQUAL": 1, "SELECT_V2": 1},
        arguments={
            "scale": 0.7,
            "bias_initializer": "random_normal",
            "bias_regularizer": "l2",
            "bias_constraint": "non_neg",
        },
        size=(5, 6, 4),
    ),
    Layer(
        public=RPReLU,
        operators={"ADD": 2, "PRELU": 1},
        arguments={
            f"{weight}_{kind}": value
            for weight in ("shift_in", "slope", "shift_out")
            for kind, value in (
                ("initializer", "random_normal"),
                ("regularizer", "l2"),
                ("constraint", "non_neg"),
            )
        },
        size=(5, 6, 4),
    ),
    Layer(public=ShiftedReLU, operators={"ADD": 2}, size=(5, 6, 4)),
]

RESNET_STRIDES = {"stage2": 4, "stage3": 8, "stage4": 16, "stage5": 32}
FINET_STRIDES = {"stage2": 8, "stage3": 16, "stage4": 32, "conv5": 32}
MNASNET_STRIDES = {f"stage{i}": 2**n for i, n in enumerate((1, 2, 3, 4, 4, 5, 5), start=2)}

# Convolutions are those of the networks' tables and of the shortcuts.
HEAD = {"MEAN": 1, "FULLY_CONNECTED": 1}
FINET = {"CONV_2D": 2 * 16 + 3, "DEPTHWISE_CONV_2D": 16, "ADD": 13, **HEAD}


def binary_units(count):
    """ADD: in front of the sign, the sum, behind PReLU; a fourth is in the convolution's bias."""
    return {"ADD": 3 * count, "GREATER_EQUAL": count, "SELECT_V2": count, "PRELU": count}


BUILDERS = [
    Builder(
        public=keras_finet.FinetSmall,
        operators=FINET,
        # With it and random weights a block multiplies float32's rounding by ten.
        arguments={"stem": "cifar", "squeeze_excite": False},
        strides=FINET_STRIDES,
    ),
    Builder(
        public=keras_finet.FinetLarge,
        operators={**FINET, "MAX_POOL_2D": 1},
        arguments={"groups": 2, "squeeze_excite": False},
        size=(64, 64, 3),
        strides=FINET_STRIDES,
    ),
    Builder(
        public=keras_finet.ResNet18,
        operators={"CONV_2D": 1 + 16 + 3, "ADD": 8, "MAX_POOL_2D": 1, **HEAD},
        arguments={"groups": 2},
        size=(64, 64, 3),
        strides=RESNET_STRIDES,
    ),
    Builder(
        public=keras_finet.ResNet50,
        operators={"CONV_2D": 1 + 48 + 4, "ADD": 16, **HEAD},
        arguments={"stem": "cifar"},
        strides=RESNET_STRIDES,
    ),
    Builder(
        public=keras_finet.ShuffleNetV2,
        operators={
            "CONV_2D": 1 + 3 * 3 + 13 * 2 + 1,
            "DEPTHWISE_CONV_2D": 19,
            "STRIDED_SLICE": 2 * 13,
            "RESHAPE": 3 * 13,
            "TRANSPOSE": 13,
            "CONCATENATION": 16,
            **HEAD,
        },
        arguments={"stem": "cifar", "alpha": 0.5},
        kept=(ChannelShuffleSplit,),
        strides=FINET_STRIDES,
    ),
    Builder(
        public=keras_finet.MnasNet,
        operators={
            **HEAD,
            "CONV_2D": 49,
            "DEPTHWISE_CONV_2D": 16,
            "ADD": 9,
            "MEAN": 8 + 1,
            "LOGISTIC": 8,
            "MUL": 8,
        },
        size=(64, 64, 3),
        strides={**MNASNET_STRIDES, "conv9": 32},
    ),
    Builder(
        public=keras_finet.WideResNet,
        # ADD: three residual sums, the image's normalisation, 1 off at six activations (a 1x1
        # convolution takes the seventh's), and on at the three that a shortcut stands beside.
        operators={
            "CONV_2D": 8,
            "ADD": 3 + 1 + 6 + 3,
            "MUL": 1,
            "AVERAGE_POOL_2D": 2,
            "PAD": 2,
            "MEAN": 1,
        },
        arguments={"depth": 8, "width": 1},
        strides={"stage2": 1, "stage3": 2, "stage4": 4, "post_relu": 4},
        kept_normalizations=1,
    ),
    Builder(
        public=keras_finet.CifarVGG16,
        operators={"CONV_2D": 13 + 2, "MAX_POOL_2D": 5, **HEAD},
        arguments={"hidden_units": 16},
        # Nowhere as wide as it has channels: with channels_first Keras adds the bias to a column.
        size=(64, 40, 3),
        strides={f"stage{i}": 2**i for i in range(1, 6)},
    ),
    Builder(
        public=keras_finet.ReActNetA,
        # MUL: the shortcut over its expected deviation where the image is halved.
        operators={
            **binary_units(6),
            "CONV_2D": 1 + 6,
            "AVERAGE_POOL_2D": 1,
            "MUL": 1,
            "CONCATENATION": 2,
            **HEAD,
        },
        arguments={"widths": (8, 16, 32, 32), "stem": "cifar"},
        strides={f"stage{i}": 2 ** (i - 1) for i in range(2, 7)},
    ),
    Builder(
        public=keras_finet.ReActNet18,
        operators={**binary_units(16), "CONV_2D": 1 + 16 + 3, "AVERAGE_POOL_2D": 3, **HEAD},
        arguments={"stem": "cifar", "normalization": "batch_norm"},
        # Rounding turns some of the half million activations around.
        half_error=0.5,
        strides=RESNET_STRIDES,
    ),
]

# One builder of each family: the others are other rows of its table.
FAMILIES = [each for each in BUILDERS if str(each) not in {"FinetLarge", "ResNet50", "ReActNet18"}]
