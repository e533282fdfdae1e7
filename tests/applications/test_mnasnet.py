"""MnasNet: the counts of the literature, a block by hand, squeeze-excite where the table has it."""

import keras
import numpy as np
import pytest
from keras import ops
from support.hostile import randomize

import keras_finet


@pytest.mark.parametrize(
    ("variant", "parameters", "published"),
    # A1: 3.9 M and 312 M in the paper. B1: torchvision's mnasnet1_0, 315 M in the authors' code.
    [("a1", 3_887_038, 312), ("b1", 4_383_312, 315)],
)
def test_counts_are_those_of_the_literature(variant, parameters, published):
    report = keras_finet.complexity(keras_finet.MnasNet(variant=variant))
    assert report.parameters == parameters
    assert report.macs / 1e6 == pytest.approx(published, rel=0.002)


def test_output_sizes_are_those_of_figure_7():
    names = [f"stage{number}" for number in range(2, 9)]
    model = keras_finet.MnasNet(features=names, input_shape=(224, 224, 3))
    sizes = [(112, 16), (56, 24), (28, 40), (14, 80), (14, 112), (7, 160), (7, 320)]
    assert [model.output[name].shape[1::2] for name in names] == sizes


def test_squeeze_excite_is_in_three_stages_of_a1():
    names = [layer.name for layer in keras_finet.MnasNet().layers]
    scaled = [name.removesuffix("_se_scale") for name in names if name.endswith("_se_scale")]
    blocks = {"stage4": 3, "stage6": 2, "stage7": 3}
    assert scaled == [f"{stage}_block{b + 1}" for stage, n in blocks.items() for b in range(n)]
    without = keras_finet.MnasNet(variant="b1").layers
    assert not any("_se_" in layer.name for layer in without)


@pytest.mark.parametrize(("block", "strides"), [("stage4_block1", 2), ("stage4_block2", 1)])
def test_a_block_by_hand(block, strides):
    model = keras_finet.MnasNet(include_top=False, input_shape=(64, 64, 3))
    randomize(model)
    layer = model.get_layer
    end = layer(f"{block}_add" if strides == 1 else f"{block}_project_bn")
    outer = keras.Model(model.input, [layer(f"{block}_expand").input, end.output])
    images = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype("float32")
    inputs, outputs = outer(images)
    x = ops.relu(layer(f"{block}_expand_bn")(layer(f"{block}_expand")(inputs)))
    depthwise = layer(f"{block}_depthwise")
    assert (depthwise.kernel_size, depthwise.strides) == ((5, 5), (strides, strides))
    x = ops.relu(layer(f"{block}_depthwise_bn")(depthwise(x)))
    squeeze, excite = layer(f"{block}_se_squeeze"), layer(f"{block}_se_excite")
    gate = ops.mean(x, axis=(1, 2))
    gate = ops.relu(ops.matmul(gate, squeeze.kernel[0, 0]) + squeeze.bias)
    gate = ops.sigmoid(ops.matmul(gate, excite.kernel[0, 0]) + excite.bias)
    # A quarter of the block's input channels: of 24 in the first block of the stage, then of 40.
    assert squeeze.filters == (6 if strides == 2 else 10)
    x = layer(f"{block}_project_bn")(layer(f"{block}_project")(x * gate[:, None, None]))
    expected = ops.convert_to_numpy(x + inputs if strides == 1 else x)
    assert np.max(np.abs(expected)) > 0.1
    got = ops.convert_to_numpy(outputs)
    assert np.max(np.abs(got - expected)) < 1e-5 * np.max(np.abs(expected))


def test_epsilon_momentum_and_dropout_reach_every_layer():
    model = keras_finet.MnasNet(variant="b1", epsilon=1e-5, dropout_rate=0.4)
    kinds = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    assert {(each.epsilon, each.momentum) for each in kinds} == {(1e-5, 0.9)}
    rates = [each.rate for each in model.layers if isinstance(each, keras.layers.Dropout)]
    assert rates == [0.4]


@pytest.mark.parametrize("variant", ["A1", "c1", None, ["a1"]], ids=str)
def test_an_unknown_variant_is_refused(variant):
    with pytest.raises(ValueError, match=r"`variant` to be one of \('a1', 'b1'\). Received: "):
        keras_finet.MnasNet(variant=variant)
