"""Fused models compute what the originals compute, on hostile statistics."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.hostile import randomize
from support.models import assert_same_outputs, functional, images, kinds

import keras_finet
from keras_finet import FineGrainedBatchNorm


@pytest.mark.parametrize("builder", [keras_finet.FinetSmall, keras_finet.FinetLarge])
def test_finets_with_hostile_statistics(builder):
    model = builder(classes=10, input_shape=(64, 64, 3), classifier_activation=None)
    randomize(model)
    before = model.get_weights()
    fused = keras_finet.fuse(model)
    assert set(kinds(fused)) <= {
        *("InputLayer", "Conv2D", "DepthwiseConv2D", "Dense", "Activation", "ReLU", "Flatten"),
        *("MaxPooling2D", "GlobalAveragePooling2D", "Add", "Multiply"),
    }
    assert_same_outputs(model, fused, images(4, 64, 64, 3))
    assert all(map(np.array_equal, before, model.get_weights()))
    assert not keras_finet.plan_fusion(model).refusals
    # Random layers wash the input out: the outputs alone would say little of the first ones.
    report = keras_finet.verify_fusion(model, fused, images(4, 64, 64, 3), tolerance=1e-5)
    assert report.passed, report


@pytest.mark.parametrize(
    "convolution",
    [
        layers.Conv2D(8, 3, padding="same", strides=2),
        layers.Conv2D(8, 3, use_bias=False, groups=2, dilation_rate=2),
        layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        layers.DepthwiseConv2D((3, 2), strides=2, padding="same"),
        layers.Dense(5, use_bias=False),
        layers.Dense(5),
        FineGrainedBatchNorm(8, 3, groups=4),
    ],
    ids=lambda layer: layer.name,
)
@pytest.mark.parametrize(
    "options", [{}, {"center": False, "epsilon": 0.1}, {"scale": False}], ids=str
)
def test_normalization_folds_into_its_convolution(convolution, options):
    convolution = type(convolution).from_config(convolution.get_config())
    model = functional(convolution, layers.BatchNormalization(**options), layers.ReLU())
    fused = keras_finet.fuse(model)
    assert "BatchNormalization" not in kinds(fused)
    assert fused.layers[1].name == convolution.name
    assert_same_outputs(model, fused, images(2, 12, 12, 6))


def test_chains_and_dropouts_fold_together():
    model = functional(
        layers.Conv2D(4, 3),
        layers.SpatialDropout2D(0.5),
        layers.BatchNormalization(),
        layers.GaussianNoise(0.1),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(3, activation="softmax"),
    )
    fused = keras_finet.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D", "Flatten", "Dense"]
    assert_same_outputs(model, fused, images(2, 12, 12, 6))


def test_without_fold_batch_norm_only_foldable_layers_change():
    model = functional(
        FineGrainedBatchNorm(4, 1),
        layers.Conv2D(4, 3),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
    )
    fused = keras_finet.fuse(model, fold_batch_norm=False)
    assert kinds(fused) == ["InputLayer", "Conv2D", "Conv2D", "BatchNormalization", "Dropout"]
    assert_same_outputs(model, fused, images(2, 12, 12, 6))
    assert keras_finet.verify_fusion(model, fused).passed


def test_sequential():
    model = keras.Sequential(
        [keras.Input((8, 8, 6)), FineGrainedBatchNorm(4, 1, activation="relu"), layers.Flatten()]
    )
    randomize(model)
    fused = keras_finet.fuse(model)
    assert isinstance(fused, keras.Function)
    assert kinds(fused) == ["InputLayer", "Conv2D", "Flatten"]
    assert_same_outputs(model, fused, images(2, 8, 8, 6))


def test_nested_models_and_their_sharing():
    block = keras.Sequential(
        [keras.Input((8, 8, 6)), FineGrainedBatchNorm(6, 1, groups=3), layers.ReLU()], name="block"
    )
    inner = functional(block, layers.Conv2D(6, 1), layers.BatchNormalization(), shape=(8, 8, 6))
    first, second = keras.Input((8, 8, 6)), keras.Input((8, 8, 6))
    model = keras.Model([first, second], layers.Add()([inner(first), inner(inner(second))]))
    randomize(model)
    fused = keras_finet.fuse(model)
    assert len(fused.weights) == 4, "one kernel and bias for each of the two shared convolutions"
    assert_same_outputs(model, fused, [images(2, 8, 8, 6), images(2, 8, 8, 6, seed=1)])


def test_shared_layer_stays_shared():
    shared = FineGrainedBatchNorm(6, 3, padding="same", groups=2)
    model = functional(shared, layers.ReLU(), shared)
    fused = keras_finet.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D", "ReLU"]
    assert_same_outputs(model, fused, images(2, 12, 12, 6))


def test_structures_of_inputs_and_outputs_stay():
    left, right = keras.Input((8, 8, 4), name="left"), keras.Input((8, 8, 4), name="right")
    a = FineGrainedBatchNorm(4, 1, name="a")(left)
    b = layers.BatchNormalization(name="b_bn")(layers.Conv2D(4, 1, name="b")(right))
    total = ops.relu(a * 2.0) + b
    model = keras.Model({"left": left, "right": right}, {"total": total, "parts": [a, b]})
    randomize(model)
    fused = keras_finet.fuse(model)
    inputs = {"left": images(2, 8, 8, 4), "right": images(2, 8, 8, 4, seed=1)}
    results = fused(inputs)
    assert set(results) == {"total", "parts"}
    assert len(results["parts"]) == 2
    assert_same_outputs(model, fused, inputs)


def test_mixed_precision_model_becomes_float32():
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = functional(
            FineGrainedBatchNorm(8, 1),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
        )
    finally:
        keras.config.set_dtype_policy(previous)
    fused = keras_finet.fuse(model)
    assert {layer.compute_dtype for layer in fused.layers} == {"float32"}
    assert fused.output.dtype == "float32"
    assert_same_outputs(model, fused, images(2, 12, 12, 6), tolerance=2e-2)
    assert keras_finet.verify_fusion(model, fused).passed


def test_channels_first_folds():
    model = functional(
        FineGrainedBatchNorm(8, 3, data_format="channels_first"),
        layers.BatchNormalization(axis=1),
        shape=(6, 12, 12),
    )
    fused = keras_finet.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D"]
    assert_same_outputs(model, fused, images(2, 6, 12, 12))


def test_lambda_layers_come_along():
    model = functional(FineGrainedBatchNorm(4, 1), layers.Lambda(lambda x: x * 2.0))
    assert_same_outputs(model, keras_finet.fuse(model), images(2, 12, 12, 6))


def test_casts_in_a_mixed_precision_graph_become_float32():
    inputs = keras.Input((8, 8, 6))
    x = FineGrainedBatchNorm(4, 1, dtype="mixed_float16")(inputs)
    x = ops.relu(ops.cast(x, "float16"))
    model = keras.Model(inputs, layers.Conv2D(3, 1, dtype="mixed_float16")(x))
    randomize(model)
    fused = keras_finet.fuse(model)
    assert {tensor.dtype for op in fused.operations for tensor in [op.output]} == {"float32"}


def test_layers_called_in_other_models_too():
    """A backbone whose layers have more calls than this model sees."""
    backbone = functional(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU())
    other = keras.Input((20, 20, 6))
    keras.Model(other, backbone.layers[2](backbone.layers[1](other)))
    features = keras.Model(backbone.input, backbone.layers[2].output)
    fused = keras_finet.fuse(features)
    assert kinds(fused) == ["InputLayer", "Conv2D"]
    assert_same_outputs(features, fused, images(2, 12, 12, 6))


def test_fused_model_saves_and_loads(tmp_path):
    model = functional(FineGrainedBatchNorm(4, 3), layers.Conv2D(4, 1), layers.BatchNormalization())
    fused = keras_finet.fuse(model)
    fused.save(tmp_path / "fused.keras")
    loaded = keras.saving.load_model(tmp_path / "fused.keras")
    assert_same_outputs(fused, loaded, images(2, 12, 12, 6), tolerance=1e-7)


def test_compiled_model_gives_an_uncompiled_one():
    model = functional(FineGrainedBatchNorm(4, 3), layers.GlobalAveragePooling2D())
    model.compile(optimizer="adam", loss="mse")
    assert not keras_finet.fuse(model).compiled


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


class LoudModel(keras.Model):
    """Functional, but its call does more than its graph."""

    def call(self, inputs):
        return super().call(inputs) * 2.0


def loud_model():
    inputs = keras.Input((4,))
    return LoudModel(inputs, layers.Dense(2)(inputs), name="loud")


class Unconfigurable(layers.Layer):
    def __init__(self, table):
        super().__init__()
        self.table = table

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            Subclassed(name="mine"),
            "'mine' of class Subclassed, whose graph of layers cannot be read",
        ),
        (
            keras.Sequential([layers.Dense(3)], name="late"),
            "'late', not built. Give it a `keras.Input`",
        ),
        (layers.Dense(3, name="alone"), "'alone' of class Dense"),
        (loud_model(), "'loud' of class LoudModel, whose graph"),
        ("model.keras", "Received: 'model.keras' of class str"),
    ],
)
def test_models_without_a_graph_are_refused(model, message):
    for function in (keras_finet.fuse, keras_finet.plan_fusion):
        with pytest.raises(ValueError, match=message):
            function(model)


def test_layer_that_cannot_be_copied_is_named():
    model = functional(Unconfigurable(object()), layers.Conv2D(3, 1))
    with pytest.raises(ValueError, match=r"layer 'unconfigurable.*' of class Unconfigurable"):
        keras_finet.fuse(model)
