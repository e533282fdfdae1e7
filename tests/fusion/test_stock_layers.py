"""Foldable layers that are no convolutions, and the numbers by channel that they leave."""

import keras
import numpy as np
import pytest
from keras import layers
from support.hostile import randomize
from support.models import assert_same_outputs, functional, images, kinds

import keras_finet
from keras_finet.layers import BranchScale, Foldable, RPReLU, RSign, ShiftedReLU, SignConv2D

OFFSETS = [0.5, -1.0, 2.0, 0.0]


@pytest.mark.parametrize(
    "convolution",
    [
        layers.Conv2D(4, 3),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.Dense(4, use_bias=False),
        SignConv2D(4, 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_numbers_for_all_and_for_each_channel_fold_into_the_layer_before(convolution):
    count = 12 if isinstance(convolution, layers.DepthwiseConv2D) else 4
    vector = np.linspace(-1, 2, count).tolist()
    model = functional(
        convolution,
        layers.Rescaling(0.5, 3.0),
        layers.BatchNormalization(),
        layers.Rescaling(vector, vector[::-1]),
        BranchScale(),
    )
    fused = keras_finet.fuse(model)
    assert kinds(fused) == ["InputLayer", type(convolution).__name__.removeprefix("Sign")]
    assert_same_outputs(model, fused, images(2, 12, 12, 6))


@pytest.mark.parametrize(
    "rescaling",
    [
        layers.Rescaling(2.0, np.arange(40.0).reshape(10, 4).tolist()),
        layers.Rescaling(np.ones((10, 10, 1)).tolist()),
    ],
)
def test_numbers_for_each_pixel_stay(rescaling):
    model = functional(layers.Conv2D(4, 3), rescaling)
    fused = keras_finet.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D", "Rescaling"]
    assert_same_outputs(model, fused, images(2, 12, 12, 6))


def test_channels_first_numbers_fold_as_keras_applies_them():
    convolution = layers.Conv2D(4, 3, data_format="channels_first")
    offset = np.reshape(OFFSETS, (4, 1, 1)).tolist()
    along_width = np.linspace(0, 1, 10).tolist()
    model = functional(
        convolution,
        layers.Rescaling(2.0, offset),
        layers.Rescaling(1.0, along_width),
        shape=(6, 12, 12),
    )
    fused = keras_finet.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D", "Rescaling"]
    if keras.backend.backend() != "tensorflow":
        assert_same_outputs(model, fused, images(2, 6, 12, 12))
    kernel, bias = fused.layers[1].get_weights()
    old_kernel, old_bias = convolution.get_weights()
    assert np.allclose(kernel, 2 * old_kernel, rtol=1e-6)
    assert np.allclose(bias, 2 * old_bias + OFFSETS, rtol=1e-6)


def residual(*after, read_twice=False, linear=True):
    """A sum of two convolutions with `after` on it."""
    inputs = keras.Input((8, 8, 3))
    activation = None if linear else "relu"
    left = layers.Conv2D(4, 1, activation=activation, name="left")(inputs)
    right = layers.Conv2D(4, 3, padding="same", activation=activation, name="right")(inputs)
    total = layers.Add(name="sum")([left, right])
    x = total
    for layer in after:
        x = layer(x)
    model = keras.Model(inputs, [x, total] if read_twice else x)
    randomize(model)
    return model


def test_an_offset_folds_through_a_sum_into_one_summand():
    model = residual(RPReLU(data_format="channels_last"))
    plan = keras_finet.plan_fusion(model)
    assert [(each.action, each.detail) for each in plan.decisions] == [
        ("replace", "Rescaling, PReLU, Rescaling"),
        ("fold", "left"),
    ]
    assert plan.shifted == {"sum"}
    fused = keras_finet.fuse(model)
    assert kinds(fused)[-3:] == ["Add", "PReLU", "Rescaling"]
    assert_same_outputs(model, fused, images(2, 8, 8, 3))
    report = keras_finet.verify_fusion(model, fused, tolerance=1e-5)
    assert report.passed, report


@pytest.mark.parametrize(
    "case",
    [
        {"read_twice": True},
        {"linear": False},
        {"after": [layers.Rescaling(2.0, OFFSETS)]},
    ],
    ids=["the sum is read elsewhere", "the summands are activated", "the sum is scaled"],
)
def test_what_cannot_fold_through_a_sum_stays(case):
    after = case.pop("after", [layers.Rescaling(1.0, OFFSETS)])
    model = residual(*after, **case)
    fused = keras_finet.fuse(model)
    assert "Rescaling" in kinds(fused)
    assert not keras_finet.plan_fusion(model).shifted
    assert_same_outputs(model, fused, images(2, 8, 8, 3))


def test_a_sum_of_the_same_summand_twice_keeps_its_offset():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 1)(inputs)
    model = keras.Model(inputs, layers.Rescaling(1.0, OFFSETS)(layers.Add()([x, x])))
    randomize(model)
    fused = keras_finet.fuse(model)
    assert kinds(fused)[-1] == "Rescaling"
    assert_same_outputs(model, fused, images(2, 8, 8, 3))


def test_rescalings_at_the_input_are_nothing_to_report():
    model = functional(layers.Rescaling(1 / 255), layers.Conv2D(4, 3))
    assert not keras_finet.plan_fusion(model).decisions


def test_without_fold_batch_norm_only_foldable_layers_change():
    model = functional(layers.Conv2D(4, 3), BranchScale(), ShiftedReLU())
    fused = keras_finet.fuse(model, fold_batch_norm=False)
    shifted_relu = ["Rescaling", "ReLU", "Rescaling"]
    assert kinds(fused) == ["InputLayer", "Conv2D", "Rescaling", *shifted_relu]
    assert_same_outputs(model, fused, images(2, 12, 12, 6))


def test_shared_and_nested_activations_stay_shared_and_nested():
    shared = RPReLU(data_format="channels_last", name="shared")
    inner = functional(RSign(data_format="channels_last"), shape=(8, 8, 4))
    inputs = keras.Input((8, 8, 4))
    x = shared(layers.Conv2D(4, 3, padding="same")(shared(inputs)))
    model = keras.Model(inputs, layers.Conv2D(4, 1)(layers.Concatenate()([x, inner(inner(x))])))
    randomize(model)
    fused = keras_finet.fuse(model)
    assert kinds(fused).count("PReLU") == 1
    assert_same_outputs(model, fused, images(2, 8, 8, 4))


class Doubled(RSign):
    def call(self, inputs):
        return 2.0 * super().call(inputs)


def test_a_subclass_with_its_own_call_stays_and_says_why():
    model = functional(layers.Conv2D(4, 3), Doubled(data_format="channels_last", name="mine"))
    (decision,) = keras_finet.plan_fusion(model).refusals
    assert decision.layer == "mine"
    assert "its own `call` but the `stock_layers` of RSign" in decision.detail
    fused = keras_finet.fuse(model)
    assert kinds(fused)[-1] == "Doubled"
    assert_same_outputs(model, fused, images(2, 12, 12, 6))


def test_another_packages_layer_folds_by_the_protocol_alone():
    class Half(layers.Layer):
        def call(self, inputs):
            return inputs / 2

        def stock_layers(self, input_shape):
            return [layers.Rescaling(0.5, name=self.name)]

    model = functional(layers.Conv2D(4, 3), Half())
    assert isinstance(model.layers[-1], Foldable)
    fused = keras_finet.fuse(model)
    assert kinds(fused) == ["InputLayer", "Conv2D"]
    assert_same_outputs(model, fused, images(2, 12, 12, 6))
