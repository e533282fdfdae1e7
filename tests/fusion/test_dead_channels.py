"""Dead channels: counted by the plan, dropped on request and never otherwise."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.models import assert_same_outputs, functional, images, kinds

import keras_finet
from keras_finet import FineGrainedBatchNorm

SHAPE = (12, 12, 6)


def live_statistics(model, samples):
    """Statistics of `samples` for every normalisation, as training them would leave."""
    normalizations = [layer for layer in model.layers if hasattr(layer, "momentum")]
    for layer in normalizations:
        layer.momentum = 0.0
    model(samples, training=True)
    return model


def kill(layer, index, variance=1e-12):
    """What training leaves of a slice whose input stopped changing at some value."""
    mean, moving_variance = (
        ops.convert_to_numpy(ops.copy(each)) for each in (layer.moving_mean, layer.moving_variance)
    )
    mean[index], moving_variance[index] = 0.7, variance
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(moving_variance)


def silenced(layer, index):
    """By hand: the slice's factor becomes 0 in `layer` itself."""
    gamma = ops.convert_to_numpy(ops.copy(layer.gamma))
    gamma[index] = 0.0
    layer.gamma.assign(gamma)


STACKS = {
    "convolution": ([layers.Conv2D(5, 3), layers.BatchNormalization(name="bn")], 2),
    "depthwise": (
        [
            layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
            layers.BatchNormalization(epsilon=1e-5, name="bn"),
        ],
        7,
    ),
    "dense": ([layers.Dense(5), layers.BatchNormalization(name="bn")], 1),
    "behind a dropout": (
        [layers.Conv2D(5, 3), layers.Dropout(0.5), layers.BatchNormalization(name="bn")],
        2,
    ),
    "behind a foldable layer": (
        [FineGrainedBatchNorm(5, 1, groups=2), layers.BatchNormalization(name="bn")],
        2,
    ),
    "standing alone": ([layers.ReLU(), layers.BatchNormalization(name="bn")], 3),
    "fine-grained": ([FineGrainedBatchNorm(5, 3, groups=4, name="bn")], (1, 2)),
    "mixed precision": (
        [FineGrainedBatchNorm(5, 1, groups=2, dtype="mixed_float16", name="bn")],
        (0, 4),
    ),
}


def build(stack):
    return functional(*(type(layer).from_config(layer.get_config()) for layer in stack))


@pytest.mark.parametrize(("stack", "index"), STACKS.values(), ids=STACKS.keys())
@pytest.mark.parametrize("fold_batch_norm", [True, False])
def test_a_dropped_slice_gives_its_beta_and_nothing_else(stack, index, fold_batch_norm):
    model, samples = build(stack), images(4, *SHAPE)
    live_statistics(model, samples)
    assert keras_finet.plan_fusion(model).dead_channel_count == 0
    kill(model.get_layer("bn"), index)
    options = {"fold_batch_norm": fold_batch_norm}
    plan = keras_finet.plan_fusion(model, **options)
    assert [(name, np.argwhere(dead).tolist()) for name, dead in plan.all_dead_channels()] == [
        ("bn", [list(np.atleast_1d(index))])
    ]
    before = model.get_weights()
    kept = keras_finet.fuse(model, **options)
    dropped = keras_finet.fuse(model, drop_dead_channels=True, **options)
    assert all(map(np.array_equal, before, model.get_weights()))
    assert kinds(dropped) == kinds(kept)
    half = model.get_layer("bn").compute_dtype == "float16"
    assert_same_outputs(model, kept, samples, tolerance=2e-2 if half else 1e-4)
    assert {weight.dtype for weight in dropped.weights} == {"float32"}
    silenced(model.get_layer("bn"), index)
    assert_same_outputs(model, dropped, samples, tolerance=2e-3 if half else 1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        FineGrainedBatchNorm(5, 3, groups=3, scale=False, name="bn"),
        layers.BatchNormalization(scale=False, center=False, name="bn"),
    ],
    ids=["fine-grained", "standing alone"],
)
def test_layers_without_a_gamma(layer):
    model = functional(layers.ReLU(), type(layer).from_config(layer.get_config()))
    samples = images(4, *SHAPE)
    live_statistics(model, samples)
    normalization = model.get_layer("bn")
    index = 4 if normalization.moving_variance.ndim == 1 else (1, 4)
    kill(normalization, index)
    dropped = keras_finet.fuse(model, drop_dead_channels=True)
    # An infinite variance leaves of the slice its beta, too.
    kill(normalization, index, variance=np.inf)
    assert_same_outputs(model, dropped, samples)


def test_the_huge_weights_are_gone_and_no_others():
    model, dead = build(STACKS["fine-grained"][0]), np.s_[:, :, 2:4, 2]
    live_statistics(model, images(4, *SHAPE))

    def kernel(**options):
        return keras_finet.fuse(model, **options).layers[1].get_weights()[0]

    living = kernel()
    kill(model.get_layer("bn"), (1, 2))
    kept, dropped = kernel(), kernel(drop_dead_channels=True)
    assert np.abs(kept[dead] / living[dead]).min() > 10
    assert np.abs(dropped[dead]).max() == 0.0
    dropped[dead] = living[dead]
    np.testing.assert_allclose(dropped, living, rtol=1e-6)


def test_relus_that_never_fire_are_what_is_found():
    """Not planted in the statistics: in the network itself."""
    model = functional(
        layers.Conv2D(8, 1, name="conv"),
        layers.ReLU(),
        layers.DepthwiseConv2D(3, use_bias=False),
        layers.BatchNormalization(name="bn"),
        layers.Flatten(),
        layers.Dense(3, name="head"),
    )
    samples = images(64, *SHAPE)
    bias = np.zeros(8)
    bias[[2, 5]] = -1e3
    model.get_layer("conv").bias.assign(bias)
    live_statistics(model, samples)
    plan = keras_finet.plan_fusion(model)
    assert np.flatnonzero(plan.dead_channels["bn"]).tolist() == [2, 5]
    # Such a channel is constant, so that dropping it changes nothing at all.
    assert_same_outputs(model, keras_finet.fuse(model, drop_dead_channels=True), samples)


def test_nested_and_shared_models():
    normalization = layers.BatchNormalization(name="bn")
    inner = functional(FineGrainedBatchNorm(6, 1, groups=2, name="fbn"), layers.ReLU(), shape=SHAPE)
    inputs = keras.Input(SHAPE)
    x = layers.ReLU()(normalization(inner(normalization(inputs))))
    model = keras.Model(inputs, x, name="outer")
    samples = images(4, *SHAPE)
    live_statistics(inner, samples)
    kill(inner.get_layer("fbn"), (0, 1))
    kill(normalization, [0, 3])
    plan = keras_finet.plan_fusion(model)
    assert plan.dead_channel_count == 3
    assert "drop_dead_channels is set: 3" in str(plan)
    table = str(plan).split("\n\n")[1].splitlines()[3:]
    assert [row.split() for row in table] == [["bn", "2", "6"], [f"{inner.name}/fbn", "1", "12"]]
    dropped = keras_finet.fuse(model, drop_dead_channels=True)
    silenced(inner.get_layer("fbn"), (0, 1))
    silenced(normalization, [0, 3])
    assert_same_outputs(model, dropped, samples)


class LoudNorm(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=training, mask=mask) * 2.0


@pytest.mark.parametrize(
    ("layer", "training"),
    [
        (LoudNorm(name="bn"), None),
        (layers.BatchNormalization(name="bn"), True),
        (layers.BatchNormalization(renorm=True, name="bn"), None),
        (FineGrainedBatchNorm(6, 1, name="bn"), True),
    ],
    ids=["subclass", "in training", "renormalisation", "fine-grained in training"],
)
def test_what_is_not_normalised_by_its_moving_variance_is_left_alone(layer, training):
    inputs = keras.Input(SHAPE)
    layer = type(layer).from_config(layer.get_config())
    arguments = {} if training is None else {"training": training}
    model = keras.Model(inputs, layer(inputs, **arguments))
    kill(layer, 1 if layer.moving_variance.ndim == 1 else (0, 1))
    assert keras_finet.plan_fusion(model).dead_channel_count == 0
    dropped = keras_finet.fuse(model, drop_dead_channels=True)
    assert type(dropped.get_layer("bn")) is type(layer)


def test_a_plan_without_dead_channels_does_not_speak_of_them():
    model = functional(layers.Conv2D(4, 1), layers.BatchNormalization())
    assert "ead" not in str(keras_finet.plan_fusion(model))
    fused, dropped = (keras_finet.fuse(model, drop_dead_channels=drop) for drop in (False, True))
    assert all(map(np.array_equal, fused.get_weights(), dropped.get_weights()))
