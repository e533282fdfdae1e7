"""ResNet18 and ResNet50: the counts of the literature, the wiring, where the normalisations are."""

import keras
import numpy as np
import pytest
from keras import ops
from support.hostile import randomize

import keras_finet

BUILDERS = {"ResNet18": keras_finet.ResNet18, "ResNet50": keras_finet.ResNet50}


def small(builder, **arguments):
    arguments = {"classes": 10, "input_shape": (32, 32, 3), "stem": "cifar", **arguments}
    return BUILDERS[builder](**arguments)


def fine_grained(model):
    return [layer for layer in model.layers if isinstance(layer, keras_finet.FineGrainedBatchNorm)]


@pytest.mark.parametrize(
    ("builder", "parameters", "macs"),
    # torchvision's counts, which its documentation gives as 1.81 and 4.09 GFLOPS.
    [("ResNet18", 11_689_512, 1_814_073_344), ("ResNet50", 25_557_032, 4_089_184_256)],
)
def test_counts_are_those_of_torchvision(builder, parameters, macs):
    report = keras_finet.complexity(BUILDERS[builder](groups=1))
    assert (report.parameters, report.macs) == (parameters, macs)


# The published CIFAR variants with 10 classes: 11.17 M and 23.52 M.
@pytest.mark.parametrize(
    ("builder", "parameters"), [("ResNet18", 11_173_962), ("ResNet50", 23_520_842)]
)
def test_groups_add_factors_and_offsets_to_every_convolution_but_the_first(builder, parameters):
    model = small(builder, groups=1)
    assert keras_finet.complexity(model).parameters == parameters
    filters = sum(layer.filters for layer in fine_grained(model))
    split = keras_finet.complexity(small(builder, groups=4)).parameters
    assert split - parameters == 3 * 2 * filters
    plain = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert plain == ["conv1"]
    without = keras_finet.complexity(small(builder, groups=4, affine=False)).parameters
    assert split - without == 4 * 2 * filters


@pytest.mark.parametrize(
    ("builder", "widths"), [("ResNet18", (64, 512)), ("ResNet50", (256, 2048))]
)
@pytest.mark.parametrize(
    ("stem", "side", "sides"),
    [("imagenet", 224, (56, 28, 14, 7)), ("cifar", 32, (32, 16, 8, 4))],
)
def test_output_sizes(builder, widths, stem, side, sides):
    names = ("stage2", "stage3", "stage4", "stage5")
    model = BUILDERS[builder](features=names, stem=stem, input_shape=(side, side, 3))
    expected = [(None, each, each, widths[0] * 2**i) for i, each in enumerate(sides)]
    assert [model.output[name].shape for name in names] == expected
    assert expected[-1][-1] == widths[1]


@pytest.mark.parametrize(("builder", "convolutions"), [("ResNet18", 2), ("ResNet50", 3)])
@pytest.mark.parametrize("block", ["stage2_block2", "stage3_block1"])
def test_a_block_by_hand(builder, convolutions, block):
    """The first block of a stage has a convolution in its shortcut and the stride, others not."""
    model = small(builder, include_top=False)
    randomize(model)
    end = model.get_layer(f"{block}_relu")
    outer = keras.Model(model.input, [model.get_layer(f"{block}_conv1").input, end.output])
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    inputs, outputs = outer(images)
    x = inputs
    for index in range(1, convolutions + 1):
        layer = model.get_layer(f"{block}_conv{index}")
        # The 3x3 convolution has the stride: the first of a basic block, the bottleneck's second.
        strided = index == convolutions - 1 and block == "stage3_block1"
        assert layer.strides == ((2, 2) if strided else (1, 1))
        activation = "linear" if index == convolutions else "relu"
        assert layer.activation is keras.activations.get(activation)
        x = layer(x)
    is_first = block == "stage3_block1"
    shortcut = model.get_layer(f"{block}_shortcut")(inputs) if is_first else inputs
    expected = ops.convert_to_numpy(ops.relu(x + shortcut))
    assert np.max(np.abs(expected)) > 0.1
    assert np.max(np.abs(expected - ops.convert_to_numpy(outputs))) < 1e-5


def test_split_epsilon_and_momentum_reach_every_layer():
    model = small("ResNet18", channels_per_group=32, epsilon=1e-5)
    assert [layer.gamma.shape[0] for layer in fine_grained(model)][:6] == [2, 2, 2, 2, 2, 4]
    kinds = keras.layers.BatchNormalization, keras_finet.FineGrainedBatchNorm
    normalizations = [layer for layer in model.layers if isinstance(layer, kinds)]
    assert len(normalizations) == 1 + 16 + 3
    assert {(layer.epsilon, layer.momentum) for layer in normalizations} == {(1e-5, 0.9)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stem": "mnist"}, "`stem` to be one of"),
        ({"groups": 2, "channels_per_group": 20}, "either `groups` or `channels_per_group`"),
        ({"groups": 0}, "`groups` to be a positive integer"),
        ({"channels_per_group": 0}, "`channels_per_group` to be a positive integer"),
        ({"groups": 65}, "groups=65 for an input with 64 channels"),
    ],
    ids=str,
)
def test_bad_arguments_say_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        small("ResNet18", **arguments)
