"""What every builder must do: whatever the input, the data format, the precision, the backend."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops
from support.builders import BUILDERS, FAMILIES
from support.hostile import randomize

import keras_finet
from keras_finet.layers import ChannelShuffleSplit


@pytest.fixture(params=FAMILIES, ids=str)
def build(request):
    return lambda **more: request.param.build(**{"input_shape": (32, 32, 3), "classes": 10, **more})


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def outputs(model, inputs):
    return ops.convert_to_numpy(model(inputs, training=False))


@pytest.mark.parametrize("each", BUILDERS, ids=str)
def test_every_argument_is_documented(each):
    documentation = inspect.getdoc(each.build)
    arguments = inspect.signature(each.build).parameters
    assert [name for name in arguments if f"\n    {name}: " not in documentation] == []
    assert "{" not in documentation


@pytest.mark.filterwarnings("ignore:This model usually expects 1 or 3 input channels:UserWarning")
@pytest.mark.parametrize("channels", [1, 4])
def test_backbone_on_other_channels_and_an_odd_size(build, channels):
    model = build(include_top=False, input_shape=(33, 47, channels), pooling="avg")
    assert outputs(model, images(2, 33, 47, channels)).shape == (2, model.output_shape[-1])


def test_fuses_whole_under_hostile_statistics(build):
    model = build(classifier_activation=None)
    randomize(model)
    assert not keras_finet.plan_fusion(model).refusals
    fused = keras_finet.fuse(model)
    custom = {type(each) for each in fused.layers if not type(each).__module__.startswith("keras.")}
    assert custom <= {ChannelShuffleSplit}
    assert not any(isinstance(each, keras.layers.BatchNormalization) for each in fused.layers)
    report = keras_finet.verify_fusion(model, fused, images(2, 32, 32, 3), tolerance=1e-5)
    assert report.passed, report


def test_a_saved_model_comes_back(build, tmp_path):
    model = build()
    randomize(model)
    model.save(tmp_path / "model.keras")
    inputs = images(2, 32, 32, 3)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(outputs(loaded, inputs), outputs(model, inputs))
    rebuilt = build(weights=tmp_path / "model.keras")
    assert np.array_equal(outputs(rebuilt, inputs), outputs(model, inputs))


def test_mixed_precision(build):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy(previous)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    probabilities = model(images(2, 32, 32, 3), training=False)
    assert keras.backend.standardize_dtype(probabilities.dtype) == "float16"
    sums = ops.convert_to_numpy(ops.sum(ops.cast(probabilities, "float32"), axis=-1))
    assert np.allclose(sums, 1.0, atol=0.02)


def test_channels_first_computes_what_channels_last_computes(build):
    last = build(classifier_activation=None)
    randomize(last)
    previous = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        first = build(classifier_activation=None, input_shape=(3, 32, 32))
    finally:
        keras.config.set_image_data_format(previous)
    shapes = [tuple(weight.shape) for weight in last.weights]
    assert [tuple(weight.shape) for weight in first.weights] == shapes
    first.set_weights(last.get_weights())
    inputs = images(2, 32, 32, 3)
    expected = outputs(last, inputs)
    got = outputs(first, inputs.transpose(0, 3, 1, 2))
    assert np.max(np.abs(got - expected)) <= 1e-4 * np.max(np.abs(expected))
