"""ShuffleNetV2: the counts of the literature; the published network on weights in another order."""

import keras
import numpy as np
import pytest
from keras import ops
from support.hostile import randomize

import keras_finet


@pytest.mark.parametrize(
    ("alpha", "parameters", "macs", "published"),
    # Parameters and million multiply-accumulates by torchvision, and the latter by the paper.
    [
        (0.5, 1_366_792, 40, 41),
        (1.0, 2_278_604, 145, 146),
        (1.5, 3_503_624, 296, 299),
        (2.0, 7_393_996, 583, 591),
    ],
)
def test_counts_are_those_of_torchvision(alpha, parameters, macs, published):
    report = keras_finet.complexity(keras_finet.ShuffleNetV2(alpha=alpha))
    assert report.parameters == parameters
    assert round(report.macs / 1e6) == macs
    assert 0.985 < report.macs / 1e6 / published <= 1


def test_output_sizes_are_those_of_table_5():
    names = ("stage2", "stage3", "stage4", "conv5")
    model = keras_finet.ShuffleNetV2(features=names, input_shape=(224, 224, 3))
    shapes = [model.output[name].shape[1:] for name in names]
    assert shapes == [(28, 28, 116), (14, 14, 232), (7, 7, 464), (7, 7, 1024)]


def test_a_stage_that_shuffles_at_the_end_of_every_unit():
    """The published order of things, on the layers of the model."""
    model = keras_finet.ShuffleNetV2(
        features=("stage2",), stem="cifar", alpha=0.5, input_shape=(32, 32, 3)
    )
    randomize(model)
    layer = model.get_layer
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")

    def convolution(x, name, activation):
        x = layer(f"{name}_bn")(layer(name)(x))
        return ops.relu(x) if activation else x

    def branch(x, unit):
        x = convolution(x, f"{unit}_pointwise1", True)
        return convolution(convolution(x, f"{unit}_depthwise", False), f"{unit}_pointwise2", True)

    def shuffle(left, right):
        pairs = ops.stack([left, right], axis=-1)
        return ops.reshape(pairs, (*left.shape[:-1], 2 * left.shape[-1]))

    x = convolution(images, "conv1", True)
    left = convolution(x, "stage2_unit1_shortcut_depthwise", False)
    left = convolution(left, "stage2_unit1_shortcut_pointwise", True)
    x = shuffle(left, branch(x, "stage2_unit1"))
    for unit in ("stage2_unit2", "stage2_unit3", "stage2_unit4"):
        left, right = ops.split(x, 2, axis=-1)
        # The model's weights are in this order.
        right = ops.concatenate([right[..., 0::2], right[..., 1::2]], axis=-1)
        x = shuffle(left, branch(right, unit))
    expected = ops.convert_to_numpy(ops.concatenate([x[..., 0::2], x[..., 1::2]], axis=-1))
    assert np.max(np.abs(expected)) > 0.1
    got = ops.convert_to_numpy(model(images)["stage2"])
    assert np.max(np.abs(got - expected)) < 1e-5 * np.max(np.abs(expected))


def test_one_shuffle_between_any_two_units_of_a_stage():
    model = keras_finet.ShuffleNetV2(alpha=0.5)
    shuffles = [each for each in model.layers if each.name.endswith("_shuffle_split")]
    assert len(shuffles) == 3 + 7 + 3
    kinds = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    assert {(each.epsilon, each.momentum) for each in kinds} == {(1e-3, 0.9)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.7}, r"`alpha` to be one of \(0.5, 1.0, 1.5, 2.0\). Received: 0.7"),
        ({"alpha": "1x"}, "`alpha` to be one of .* Received: '1x'"),
        ({"alpha": [1.0]}, "`alpha` to be one of"),
        ({"stem": "mnist"}, "`stem` to be one of"),
    ],
    ids=str,
)
def test_bad_arguments_say_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_finet.ShuffleNetV2(**arguments)
