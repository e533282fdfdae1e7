"""The converted model starts where the original stands, and trains."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import training
from support.hostile import randomize
from support.models import assert_same_outputs, functional, images, kinds, outputs

import keras_finet
from keras_finet import FineGrainedBatchNorm

SGD = {"optimizer": "sgd", "loss": "mse", "jit_compile": False}


def small_net(**norm):
    return functional(
        layers.Conv2D(8, 3, strides=2, padding="same"),
        layers.BatchNormalization(**norm),
        layers.ReLU(),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(10, 1, use_bias=False),
        layers.BatchNormalization(**norm),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
    )


@pytest.mark.parametrize("groups", [1, 2, 4, 5])
@pytest.mark.parametrize(
    "norm", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.1}], ids=str
)
def test_inference_is_the_same(groups, norm):
    model = small_net(**norm)
    fine = keras_finet.fine_grain(model, groups)
    assert kinds(fine) == [
        *("InputLayer", "FineGrainedBatchNorm", "ReLU"),
        *("DepthwiseConv2D", "BatchNormalization", "ReLU"),
        *("FineGrainedBatchNorm", "GlobalAveragePooling2D", "Dense"),
    ]
    assert_same_outputs(model, fine, images(4, 12, 12, 6))
    # Layer by layer, so that no later layer can hide what an earlier one does.
    report = keras_finet.verify_fusion(model, fine, images(4, 12, 12, 6), tolerance=1e-5)
    assert report.passed, report


@pytest.mark.parametrize("norm", [{}, {"scale": False}, {"center": False}], ids=str)
def test_one_group_trains_as_the_original(norm):
    model = small_net(momentum=0.5, **norm)
    fine = keras_finet.fine_grain(model, groups=1)
    batch, upstream = images(8, 12, 12, 6), images(8, 3, seed=1)
    expected, actual = (training.step(each, batch, upstream) for each in (model, fine))
    assert training.relative_error(actual[0], expected[0]) < 1e-5
    assert training.relative_error(actual[1], expected[1]) < 1e-4
    for name, gradient in actual[2].items():
        layer = fine.get_layer(name.split("/")[0])
        source = name
        if isinstance(layer, FineGrainedBatchNorm) and not name.endswith("kernel"):
            pair = keras_finet.plan_fine_grain(model, 1).pairs[layer.name]
            source = f"{pair}/{name.split('/')[1]}"
        scale = max(np.max(np.abs(expected[2][source])), 1e-2)
        assert np.max(np.abs(gradient - expected[2][source])) < 1e-4 * scale, name
    # The moving statistics have moved alike: inference agrees after the step too.
    assert_same_outputs(model, fine, images(4, 12, 12, 6, seed=2))


@pytest.mark.parametrize("groups", [2, 4])
def test_fit_moves_everything_and_fuses_back(groups):
    model = small_net()
    fine = keras_finet.fine_grain(model, groups)
    before = [ops.convert_to_numpy(weight.value) for weight in fine.weights]
    fine.compile(**SGD)
    fine.fit(images(8, 12, 12, 6), images(8, 3), batch_size=8, verbose=0)
    for old, weight in zip(before, fine.weights, strict=True):
        new = ops.convert_to_numpy(weight.value)
        assert np.all(np.isfinite(new)), weight.path
        assert not np.array_equal(old, new), weight.path
    fused = keras_finet.fuse(fine)
    assert kinds(fused) == kinds(keras_finet.fuse(model))
    report = keras_finet.verify_fusion(fine, fused, images(4, 12, 12, 6), tolerance=1e-5)
    assert report.passed, report


@pytest.mark.parametrize("groups", [2, 4, 8])
def test_training_starts_at_the_original_scale(groups):
    """On a layer's own statistics, as a trained one has them."""
    convolution, norm = layers.Conv2D(16, 3, padding="same"), layers.BatchNormalization(momentum=0)
    model = functional(convolution, norm, shape=(12, 12, 16))
    batch = images(32, 12, 12, 16)
    norm.gamma.assign(np.linspace(-2, 2, 16))
    outputs(model, batch, training=True)
    fine = keras_finet.fine_grain(model, groups)
    expected, actual = (outputs(each, batch, training=True)[0] for each in (model, fine))
    spread = actual.std((0, 1, 2)) / expected.std((0, 1, 2))
    np.testing.assert_allclose(spread, 1.0, atol=0.1)
    np.testing.assert_allclose(actual.mean((0, 1, 2)), expected.mean((0, 1, 2)), atol=1e-4)


def test_dead_groups_and_filters_stay_finite():
    convolution = layers.Conv2D(4, 1)
    model = functional(convolution, layers.BatchNormalization(), shape=(6, 6, 8))
    kernel = images(1, 1, 8, 4)
    kernel[:, :, :2, 0] = 0.0
    kernel[..., 1] = 0.0
    convolution.set_weights([kernel, convolution.get_weights()[1]])
    fine = keras_finet.fine_grain(model, groups=4)
    assert_same_outputs(model, fine, images(4, 6, 6, 8))
    fine.compile(**SGD)
    fine.fit(images(8, 6, 6, 8), images(8, 6, 6, 4), batch_size=8, verbose=0)
    assert all(np.all(np.isfinite(array)) for array in fine.get_weights())


def test_the_layer_takes_the_settings_of_both():
    conv = layers.Conv2D(
        *(8, (3, 2)),
        padding="same",
        dilation_rate=(1, 2),
        kernel_initializer=keras.initializers.HeNormal(seed=3),
        kernel_regularizer=keras.regularizers.L2(0.1),
        kernel_constraint=keras.constraints.MaxNorm(3.0),
        name="stage1_conv",
    )
    norm = layers.BatchNormalization(
        momentum=0.7,
        epsilon=0.01,
        gamma_initializer="zeros",
        gamma_regularizer=keras.regularizers.L1(0.2),
        gamma_constraint=keras.constraints.NonNeg(),
        beta_initializer="ones",
        beta_regularizer=keras.regularizers.L2(0.3),
        beta_constraint=keras.constraints.NonNeg(),
        moving_mean_initializer="ones",
        moving_variance_initializer="zeros",
        activity_regularizer=keras.regularizers.L2(0.4),
    )
    model = functional(conv, norm)
    fine = keras_finet.fine_grain(model, groups=3)
    config = fine.get_layer("stage1_conv").get_config()
    expected = {**norm.get_config(), **conv.get_config(), "groups": 3}
    # Of both layers' settings only that of the later one acts on the common output.
    expected["activity_regularizer"] = norm.get_config()["activity_regularizer"]
    left_out = {
        *("use_bias", "bias_initializer", "bias_regularizer", "bias_constraint"),
        *("axis", "renorm", "renorm_clipping", "renorm_momentum"),
    }
    assert set(expected) - set(config) == left_out
    assert {key: config[key] for key in config if key in expected} == {
        key: value for key, value in expected.items() if key not in left_out
    }
    assert set(config) - set(expected) == {"channels_per_group", "statistics"}


def test_frozen_pairs_stay_frozen():
    model = small_net()
    model.trainable = False
    fine = keras_finet.fine_grain(model, groups=2)
    assert not fine.trainable_weights
    # A frozen normalisation runs on its moving statistics even in training.
    assert_same_outputs(model, fine, images(4, 12, 12, 6), training=True)
    fine.trainable = True
    assert len(fine.trainable_weights) == len(fine.weights) - 6


def test_a_frozen_pair_in_a_model_that_trains_stays_frozen():
    model = small_net()
    for layer in model.layers[1:3]:
        layer.trainable = False
    fine = keras_finet.fine_grain(model, groups=2)
    assert [layer.trainable for layer in fine.layers if layer.weights] == [False] + [True] * 4
    assert not fine.layers[1].trainable_weights


def test_sequential_becomes_functional_and_uncompiled():
    model = keras.Sequential(
        [keras.Input((8, 8, 6)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    )
    randomize(model)
    model.compile(**SGD)
    fine = keras_finet.fine_grain(model, groups=2)
    assert isinstance(fine, keras.Function)
    assert not fine.compiled
    assert fine.name == model.name
    assert kinds(fine) == ["InputLayer", "FineGrainedBatchNorm", "ReLU"]
    assert fine.layers[1].name == model.layers[0].name
    assert_same_outputs(model, fine, images(2, 8, 8, 6))


def test_nested_models_and_their_sharing():
    block = keras.Sequential(
        [keras.Input((8, 8, 6)), layers.Conv2D(6, 1), layers.BatchNormalization()], name="block"
    )
    inner = functional(block, layers.Conv2D(6, 1), layers.BatchNormalization(), shape=(8, 8, 6))
    first, second = keras.Input((8, 8, 6)), keras.Input((8, 8, 6))
    model = keras.Model([first, second], layers.Add()([inner(first), inner(inner(second))]))
    randomize(model)
    fine = keras_finet.fine_grain(model, groups=3)
    assert len(fine.weights) == 10, "five for each of the two shared convolutions"
    assert_same_outputs(model, fine, [images(2, 8, 8, 6), images(2, 8, 8, 6, seed=1)])


def test_channels_first():
    model = functional(
        layers.Conv2D(8, 3, data_format="channels_first", use_bias=False),
        layers.BatchNormalization(axis=1),
        shape=(6, 12, 12),
    )
    fine = keras_finet.fine_grain(model, groups=2)
    assert fine.layers[1].data_format == "channels_first"
    assert_same_outputs(model, fine, images(2, 6, 12, 12))


def test_mixed_precision_stays_mixed():
    dtype = "mixed_bfloat16"
    model = functional(
        layers.Conv2D(8, 3, dtype=dtype), layers.BatchNormalization(dtype=dtype), shape=(8, 8, 6)
    )
    fine = keras_finet.fine_grain(model, groups=2)
    assert fine.layers[1].dtype_policy.name == dtype
    assert {variable.dtype for variable in fine.weights} == {"float32"}
    # Eight bits of mantissa, rounded in other places.
    assert_same_outputs(model, fine, images(2, 8, 8, 6), tolerance=2e-2)


def test_the_original_is_untouched_and_shares_nothing():
    model = small_net()
    before = model.get_weights()
    calls = [len(layer._inbound_nodes) for layer in model.layers]
    fine = keras_finet.fine_grain(model, groups=2)
    for weight in fine.weights:
        weight.assign(np.zeros(weight.shape))
    assert all(map(np.array_equal, before, model.get_weights()))
    assert [len(layer._inbound_nodes) for layer in model.layers] == calls


def test_converted_model_saves_and_loads(tmp_path):
    fine = keras_finet.fine_grain(small_net(), groups=2)
    fine.save(tmp_path / "fine.keras")
    loaded = keras.saving.load_model(tmp_path / "fine.keras")
    assert_same_outputs(fine, loaded, images(2, 12, 12, 6), tolerance=1e-7)


def test_convert_twice_finds_nothing_left():
    fine = keras_finet.fine_grain(small_net(), groups=2)
    with pytest.raises(ValueError, match="a depthwise convolution"):
        keras_finet.fine_grain(fine, groups=2)
