"""verify_fusion catches a wrong fold and says where."""

import keras
import numpy as np
import pytest
from keras import layers
from support.hostile import randomize

import keras_finet
from keras_finet import FineGrainedBatchNorm


@pytest.fixture
def model():
    inputs = keras.Input((8, 8, 6))
    x = FineGrainedBatchNorm(8, 1, name="fbn", activation="relu")(inputs)
    x = layers.DepthwiseConv2D(3, name="depthwise", use_bias=False)(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(inputs, layers.Dense(5, activation="softmax", name="top")(x))
    randomize(model)
    return model


def scaled(fused, name, factor, index=0):
    """Returns `fused` with one weight of one layer wrong."""
    layer = fused.get_layer(name)
    weights = layer.get_weights()
    weights[index] = weights[index] * factor
    layer.set_weights(weights)
    return fused


def test_right_fold_passes(model):
    report = keras_finet.verify_fusion(model, keras_finet.fuse(model))
    assert report.passed
    assert 0 < report.relative_error <= 1e-5
    assert report.top1_agreement == 1.0
    assert report.diverging_layer is None
    assert "passed on 4 samples" in str(report)


@pytest.mark.parametrize("name", ["fbn", "depthwise"])
@pytest.mark.parametrize("index", [0, 1])
def test_wrong_fold_fails_and_the_first_wrong_layer_is_named(model, name, index):
    report = keras_finet.verify_fusion(model, scaled(keras_finet.fuse(model), name, 1.001, index))
    assert not report.passed
    assert report.diverging_layer == name
    assert 1e-4 < report.diverging_error < 1e-2
    assert "FAILED" in str(report)
    assert name in str(report)


def test_error_that_the_output_hides_fails_too(model):
    """A saturated softmax is the same whatever comes before it."""
    top = model.get_layer("top")
    kernel, _ = top.get_weights()
    top.set_weights([kernel * 0, np.array([50.0, 0, 0, 0, 0])])
    report = keras_finet.verify_fusion(model, scaled(keras_finet.fuse(model), "fbn", 1.1))
    assert report.relative_error == 0.0
    assert report.diverging_layer == "fbn"
    assert not report.passed


def test_nan_never_passes(model):
    report = keras_finet.verify_fusion(model, scaled(keras_finet.fuse(model), "depthwise", np.nan))
    assert not report.passed
    assert report.diverging_layer == "depthwise"


def test_nan_in_one_of_several_outputs_is_reported():
    inputs = keras.Input((4,))
    outputs = [layers.Dense(2, name=name)(inputs) for name in ("first", "second")]
    model = keras.Model(inputs, outputs)
    report = keras_finet.verify_fusion(model, scaled(keras_finet.fuse(model), "second", np.nan))
    assert np.isnan(report.relative_error)
    assert np.isnan(report.max_abs_error)
    assert not report.passed


def test_given_inputs_and_tolerance_count(model):
    images = np.random.default_rng(0).normal(size=(70, 8, 8, 6)).astype("float32")
    fused = scaled(keras_finet.fuse(model), "fbn", 1.0001)
    assert not keras_finet.verify_fusion(model, fused, images, tolerance=1e-5).passed
    report = keras_finet.verify_fusion(model, fused, images, tolerance=0.1)
    assert report.passed
    assert report.samples == 70


def test_static_batch_and_unknown_size():
    inputs = keras.Input(batch_shape=(3, None, None, 4))
    model = keras.Model(inputs, FineGrainedBatchNorm(4, 3)(inputs))
    randomize(model)
    report = keras_finet.verify_fusion(model, keras_finet.fuse(model))
    assert report.passed
    assert report.top1_agreement is None


def test_layers_with_several_outputs_are_compared():
    inputs = keras.Input((8, 8, 6))
    inner = keras.Model(
        inputs,
        [FineGrainedBatchNorm(4, 1, name="a")(inputs), layers.Conv2D(2, 1)(inputs)],
        name="inner",
    )
    outer = keras.Input((8, 8, 6))
    model = keras.Model(outer, inner(outer))
    randomize(model)
    fused = keras_finet.fuse(model)
    assert keras_finet.verify_fusion(model, fused).passed
    scaled(fused.get_layer("inner"), "a", 1.01)
    assert keras_finet.verify_fusion(model, fused).diverging_layer == "inner[0]"


@pytest.mark.parametrize("inputs", [np.zeros((0, 8, 8, 6)), 3.0, iter([])], ids=type)
def test_inputs_without_samples_are_refused(model, inputs):
    with pytest.raises(ValueError, match="arrays with at least one sample"):
        keras_finet.verify_fusion(model, keras_finet.fuse(model), inputs)


def test_another_models_fusion_is_refused(model):
    inputs = keras.Input((8, 8, 6))
    other = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(inputs)), name="other")
    with pytest.raises(
        ValueError, match=r"Received: 'other' with \[\(4, 2\)\]. Fuse this very model"
    ):
        keras_finet.verify_fusion(model, other)
