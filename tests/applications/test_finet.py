"""Table 1, Table 2 and the builders' manners."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops

import keras_finet
from keras_finet.applications.finet import divisor_groups

SMALL, LARGE = keras_finet.FinetSmall, keras_finet.FinetLarge
# Builder, squeeze-excite, G: trainable parameters, and what Table 2 prints (truncated) in millions.
PARAMETERS = [
    (SMALL, False, 1, 2_388_268, 2.388),
    (SMALL, False, 2, 2_392_588, 2.392),
    (SMALL, False, 4, 2_402_308, 2.402),
    (SMALL, True, 1, 2_809_628, 2.809),
    (SMALL, True, 2, 2_813_948, 2.813),
    # Printed 2.827; every other increment of squeeze-excite in the table is 0.421, this one 0.425.
    (SMALL, True, 4, 2_823_668, 2.823),
    (LARGE, False, 1, 4_434_368, 4.434),
    (LARGE, False, 2, 4_448_768, 4.448),
    (LARGE, False, 4, 4_477_568, 4.477),
    (LARGE, True, 1, 5_812_768, 5.812),
    (LARGE, True, 2, 5_827_168, 5.827),
    (LARGE, True, 4, 5_855_968, 5.855),
]
MACS = [
    (SMALL, False, 42_646_048, 42.6),
    (SMALL, True, 43_058_848, 43.0),
    (LARGE, False, 301_844_288, 301.8),
    (LARGE, True, 303_209_088, 303.2),
]


@pytest.mark.parametrize(("builder", "squeeze_excite", "groups", "count", "printed"), PARAMETERS)
def test_parameters_are_those_of_table_2(builder, squeeze_excite, groups, count, printed):
    model = builder(groups=groups, squeeze_excite=squeeze_excite)
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == count
    assert keras_finet.complexity(model).parameters == count
    assert count // 1000 / 1000 == printed


@pytest.mark.parametrize(("builder", "squeeze_excite", "macs", "printed"), MACS)
def test_macs_are_those_of_table_2_whatever_the_groups(builder, squeeze_excite, macs, printed):
    for groups in (1, 4):
        report = keras_finet.complexity(builder(groups=groups, squeeze_excite=squeeze_excite))
        assert report.paper_macs == macs
        assert report.macs == macs + 1024 * 1000
    assert macs // 100_000 / 10 == printed


def test_output_sizes_are_those_of_table_1():
    model = keras_finet.FinetLarge()
    shapes = {
        "conv1_relu": (112, 112, 24),
        "pool1": (56, 56, 24),
        "stage2_block4_relu": (28, 28, 100),
        "stage3_block8_relu": (14, 14, 200),
        "stage4_block4_relu": (7, 7, 400),
        "conv5_relu": (7, 7, 1024),
        "global_pool": (1, 1, 1024),
        "fc1_relu": (1, 1, 1024),
        "predictions": (1000,),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in shapes} == shapes


def test_cifar_stem_keeps_the_image_size():
    model = keras_finet.FinetSmall(classes=10, input_shape=(32, 32, 3), stem="cifar")
    assert model.get_layer("conv1").output.shape[1:3] == (32, 32)
    assert model.get_layer("conv5").output.shape[1:3] == (4, 4)
    assert "pool1" not in {layer.name for layer in model.layers}


@pytest.mark.parametrize(
    ("channels", "groups", "expected"),
    [
        (30, 4, 6),
        (30, 2, 2),
        (30, 1, 1),
        (100, 8, 10),
        (24, 4, 4),
        (200, 8, 8),
        (30, 3, 3),
        (25, 4, None),
    ],
)
def test_groups_are_raised_to_a_divisor_and_stay_even(channels, groups, expected):
    if expected is None:
        with pytest.raises(ValueError, match="groups=4 for a layer with 25 input channels"):
            divisor_groups(channels, groups)
    else:
        assert divisor_groups(channels, groups) == expected


def fine_grained(model):
    return [layer for layer in model.layers if isinstance(layer, keras_finet.FineGrainedBatchNorm)]


def test_channels_per_group_changes_the_groups_across_layers():
    model = keras_finet.FinetLarge(channels_per_group=50, squeeze_excite=False)
    groups = [layer.gamma.shape[0] for layer in fine_grained(model)]
    # 24 channels give 1 group, 100 give 2, 200 give 4, 400 give 8.
    assert groups == [1] + 7 * [2] + [2] + 15 * [4] + [4] + 7 * [8]


def test_affine_false_leaves_no_trained_factors_in_fine_grained_layers():
    for layer in fine_grained(keras_finet.FinetSmall(affine=False)):
        assert layer.gamma is None
        assert layer.beta is None


def test_epsilon_momentum_and_dropout_reach_every_layer():
    model = keras_finet.FinetSmall(epsilon=1e-5, dropout_rate=0.4)
    kinds = keras.layers.BatchNormalization, keras_finet.FineGrainedBatchNorm
    normalizations = [layer for layer in model.layers if isinstance(layer, kinds)]
    assert {(layer.epsilon, layer.momentum) for layer in normalizations} == {(1e-5, 0.9)}
    assert len(normalizations) == 1 + 16 * 5 + 2
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.4, 0.4]


def test_the_block_in_numbers():
    """A block by hand: the arithmetic of Figure 2, on random weights."""
    model = keras_finet.FinetSmall(include_top=False, input_shape=(32, 32, 3), stem="cifar")
    names = ("stage2_block1_relu", "stage2_block2_relu")
    outer = keras.Model(model.input, [model.get_layer(name).output for name in names])
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if "moving_variance" not in variable.name:
            variable.assign(rng.normal(size=variable.shape) * 0.3)
    images = rng.normal(size=(2, 32, 32, 3)).astype("float32")
    inputs, outputs = outer(images)
    layer = {
        name.removeprefix("stage2_block2_"): model.get_layer(name)
        for name in (
            f"stage2_block2_{part}"
            for part in (
                "pointwise1",
                "depthwise",
                "depthwise_bn",
                "pointwise2",
                "se_squeeze",
                "se_squeeze_bn",
                "se_excite",
                "se_excite_bn",
            )
        )
    }
    x = layer["pointwise1"](inputs)
    x = layer["pointwise2"](layer["depthwise_bn"](layer["depthwise"](x)))
    gate = ops.mean(inputs, axis=(1, 2), keepdims=True)
    gate = ops.relu(layer["se_squeeze_bn"](layer["se_squeeze"](gate)))
    gate = ops.sigmoid(layer["se_excite_bn"](layer["se_excite"](gate)))
    expected = ops.relu(x * gate + inputs)
    assert np.max(np.abs(ops.convert_to_numpy(expected - outputs))) < 1e-5


def test_small_and_large_have_the_same_signature_but_for_the_name():
    small, large = (inspect.signature(builder).parameters for builder in (SMALL, LARGE))
    assert list(small) == list(large)
    different = [name for name in small if small[name].default != large[name].default]
    assert different == ["name"]
    assert small["groups"].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stem": "mnist"}, "`stem` to be one of"),
        ({"groups": 2, "channels_per_group": 20}, "either `groups` or `channels_per_group`"),
        ({"groups": 0}, "`groups`"),
        ({"groups": 64}, "groups=64 for a layer with 24 input channels"),
    ],
    ids=str,
)
def test_bad_arguments_say_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        SMALL(**arguments)
