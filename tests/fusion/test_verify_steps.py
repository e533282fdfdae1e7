"""verify_fusion and binary activations: rounding may turn values around, a wrong fold may not."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.hostile import settle

import keras_finet
from keras_finet.layers import RSign

IMAGES = np.random.default_rng(0).normal(size=(40, 8, 8, 6)).astype("float32")


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 6))
    x = layers.Conv2D(16, 3, use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = RSign(name="sign")(x)
    x = layers.Conv2D(16, 3, use_bias=False, name="second")(x)
    x = layers.BatchNormalization(name="second_norm")(x)
    x = RSign(scale=1.7, name="second_sign")(x)
    x = layers.Dense(5, name="top")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, x, name="binary")
    settle(model, IMAGES)
    return model


def turned_by_rounding(model):
    """A fusion that errs by a float's rounding at a sign that one value is just at."""
    before = keras.Model(model.input, model.get_layer("second_norm").output)
    sign = model.get_layer("second_sign")
    value = ops.convert_to_numpy(before(IMAGES[:1], training=False))[0, 0, 0, 0]
    offset = ops.convert_to_numpy(sign.bias).copy()
    offset[0] = -sign.scale * value
    sign.bias.assign(offset)
    for direction in (-1, 1):
        fused = keras_finet.fuse(model)
        kernel, bias = fused.get_layer("second").get_weights()
        bias[0] += direction * 4e-6
        fused.get_layer("second").set_weights([kernel, bias])
        if np.abs(ops.convert_to_numpy(model(IMAGES) - fused(IMAGES))).max() > 1e-3:
            return fused
    raise AssertionError("no value was turned around")


def test_values_that_rounding_turns_around_pass(model):
    fused = turned_by_rounding(model)
    report = keras_finet.verify_fusion(model, fused, IMAGES)
    assert report.passed, report
    assert 0 < report.turned < 1e-3
    assert report.relative_error < 1e-5
    assert "turned around by rounding" in str(report)


@pytest.mark.parametrize("name", ["conv", "second", "top"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_wrong_fold_fails_before_and_behind_steps(model, name, index):
    fused = keras_finet.fuse(model)
    weights = fused.get_layer(name).get_weights()
    weights[index] = weights[index] * 1.01 + (0.01 if index else 0)
    fused.get_layer(name).set_weights(weights)
    report = keras_finet.verify_fusion(model, fused, IMAGES)
    assert not report.passed
    assert report.diverging_layer is not None


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: x + 1.0, lambda x: x * np.nan])
def test_a_wrong_step_fails(model, change):
    """The step itself, which no layer before it shows."""
    model.get_layer("second_sign").bias.assign(np.linspace(0.5, 1.0, 16))
    fused = keras_finet.fuse(model)
    wrong = keras.models.clone_model(
        fused,
        call_function=lambda layer, *args, **kwargs: layer(
            change(args[0]) if layer.name == "second_sign" else args[0]
        ),
    )
    wrong.set_weights(fused.get_weights())
    report = keras_finet.verify_fusion(model, wrong, IMAGES)
    assert not report.passed


def test_a_model_without_steps_has_none(model):
    smooth = keras.Model(model.input, model.get_layer("norm").output)
    report = keras_finet.verify_fusion(smooth, keras_finet.fuse(smooth), IMAGES)
    assert report.passed
    assert report.turned is None
    assert "turned" not in str(report)


def test_a_step_may_be_the_output(model):
    binary = keras.Model(model.input, model.get_layer("second_sign").output)
    assert keras_finet.verify_fusion(binary, keras_finet.fuse(binary), IMAGES).passed
