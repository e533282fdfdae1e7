"""The optimizer against a NumPy computation and, where it is installed, PyTorch's own."""

import keras
import numpy as np
import pytest
from recipe.coupled_sgd import CoupledSGD
from support.bowls import DECAY, RATES, Bowls, Falling, assert_equal

import keras_finet

MOMENTUM = 0.9


def with_numpy(bowls):
    weights = dict(bowls.start)
    velocities = dict.fromkeys(weights, 0.0)
    for rate in RATES:
        for name, weight in weights.items():
            gradient = bowls.gradient(name, weight) + DECAY * weight
            velocities[name] = MOMENTUM * velocities[name] + gradient
            weights[name] = weight - rate * velocities[name]
    return weights


def coupled_sgd():
    return CoupledSGD(Falling(), momentum=MOMENTUM, weight_decay=DECAY)


def test_equals_the_formula_in_float64():
    bowls = Bowls()
    assert_equal(bowls.with_keras(coupled_sgd()), with_numpy(bowls))


def test_equals_pytorch():
    torch = pytest.importorskip("torch")
    bowls = Bowls()
    expected = bowls.with_torch(
        torch,
        lambda weights, rate: torch.optim.SGD(
            weights, lr=rate, momentum=MOMENTUM, weight_decay=DECAY
        ),
    )
    assert_equal(bowls.with_keras(coupled_sgd()), expected)


def test_every_weight_of_a_model_decays():
    """With no gradient but the decay's, that is with a loss that is constant."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.BatchNormalization()(inputs)))
    model.compile(CoupledSGD(0.5, weight_decay=0.1), loss=lambda y, outputs: 0.0 * outputs)
    before = [np.full(weight.shape, 1.0) for weight in model.trainable_variables]
    for variable, value in zip(model.trainable_variables, before, strict=True):
        variable.assign(value)
    model.train_on_batch(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"))
    assert len(before) == 4  # gamma, beta, kernel, bias
    for variable in model.trainable_variables:
        np.testing.assert_allclose(keras.ops.convert_to_numpy(variable.value), 0.95, rtol=1e-6)


def test_layers_that_are_named_do_not_decay():
    inputs = keras.Input((3,))
    norm, dense = keras.layers.BatchNormalization(name="image_bn"), keras.layers.Dense(2)
    model = keras.Model(inputs, dense(norm(inputs)))
    optimizer = CoupledSGD(0.5, weight_decay=0.1, without_decay=("image_bn",))
    model.compile(optimizer, loss=lambda y, outputs: 0.0 * outputs)
    for variable in model.trainable_variables:
        variable.assign(np.full(variable.shape, 1.0))
    model.train_on_batch(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"))
    for layer, left in ((norm, 1.0), (dense, 0.95)):
        for variable in layer.trainable_variables:
            np.testing.assert_allclose(keras.ops.convert_to_numpy(variable.value), left, rtol=1e-6)


def test_its_configuration_makes_it_again():
    optimizer = CoupledSGD(
        0.3, momentum=0.8, weight_decay=0.02, without_decay=["image_bn"], clipnorm=1.0
    )
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is CoupledSGD
    assert again.get_config() == optimizer.get_config()
    assert again.coupled_weight_decay == 0.02
    assert again.without_decay == ("image_bn",)
    assert again.weight_decay is None  # Keras would apply it a second time, decoupled


def test_averages_are_used_when_asked_for_only():
    weight = keras.Variable(np.zeros(1, "float32"))
    optimizer = CoupledSGD(1.0, momentum=0.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([keras.ops.convert_to_tensor([-1.0])], [weight])
    optimizer.finalize_variable_values([weight])
    assert keras.ops.convert_to_numpy(weight.value) == 2.0
    optimizer.use_averages([weight])
    assert keras.ops.convert_to_numpy(weight.value) == 1.5  # of 1 (the first average) and 2


def test_averages_meet_their_constraints():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype("float32")
    weight = keras.Variable(kernel, name="kernel")
    weight.constraint = keras_finet.layers.ZeroMean()
    optimizer = CoupledSGD(1.0, momentum=0.0, use_ema=True, ema_momentum=0.5)
    for _ in range(3):
        optimizer.apply([keras.ops.convert_to_tensor(kernel)], [weight])
    optimizer.use_averages([weight])
    means = keras.ops.convert_to_numpy(weight.value).mean((0, 1, 2))
    assert np.abs(means).max() < 1e-6
