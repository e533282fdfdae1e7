"""The optimizer against a NumPy computation and, where it is installed, PyTorch's own."""

import keras
import numpy as np
import pytest
from recipe.coupled_sgd import CoupledSGD

STEPS = 20
SHAPES = {"kernel": (3, 3, 4, 5), "gamma": (5,), "beta": (5,), "bias": (1,)}
DECAY = 0.05
MOMENTUM = 0.9
# It falls, and drops: a velocity that holds earlier learning rates would be off by far.
RATES = [0.2 * (1 - step / STEPS) * (0.1 if step >= 10 else 1.0) for step in range(STEPS)]


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return keras.ops.take(keras.ops.convert_to_tensor(RATES, "float32"), step)


class Problem:
    """Quadratic bowls of very different curvature; the gradient depends on the weights."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.start = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
        self.minimum = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
        self.curvature = {name: 10 ** rng.uniform(-3, 1, shape) for name, shape in SHAPES.items()}

    def gradient(self, name, weight):
        return self.curvature[name] * (np.asarray(weight, "float64") - self.minimum[name])


def with_keras(problem, **options):
    variables = {
        name: keras.Variable(value.astype("float32"), name=name)
        for name, value in problem.start.items()
    }
    optimizer = CoupledSGD(Falling(), momentum=MOMENTUM, weight_decay=DECAY, **options)
    for _ in range(STEPS):
        gradients = [
            keras.ops.convert_to_tensor(
                problem.gradient(name, keras.ops.convert_to_numpy(variable.value)), "float32"
            )
            for name, variable in variables.items()
        ]
        optimizer.apply(gradients, list(variables.values()))
    return {name: keras.ops.convert_to_numpy(each.value) for name, each in variables.items()}


def with_numpy(problem):
    weights = dict(problem.start)
    velocities = dict.fromkeys(weights, 0.0)
    for rate in RATES:
        for name, weight in weights.items():
            gradient = problem.gradient(name, weight) + DECAY * weight
            velocities[name] = MOMENTUM * velocities[name] + gradient
            weights[name] = weight - rate * velocities[name]
    return weights


def with_torch(torch, problem):
    weights = {
        name: torch.nn.Parameter(torch.tensor(value, dtype=torch.float32))
        for name, value in problem.start.items()
    }
    optimizer = torch.optim.SGD(
        weights.values(), lr=RATES[0], momentum=MOMENTUM, weight_decay=DECAY
    )
    for rate in RATES:
        optimizer.param_groups[0]["lr"] = rate
        for name, weight in weights.items():
            gradient = problem.gradient(name, weight.detach().numpy())
            weight.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
    return {name: weight.detach().numpy() for name, weight in weights.items()}


def assert_equal(found, expected):
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6, err_msg=name)


def test_equals_the_formula_in_float64():
    problem = Problem()
    assert_equal(with_keras(problem), with_numpy(problem))


def test_equals_pytorch():
    torch = pytest.importorskip("torch")
    problem = Problem()
    assert_equal(with_keras(problem), with_torch(torch, problem))


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


def test_its_configuration_makes_it_again():
    optimizer = CoupledSGD(0.3, momentum=0.8, weight_decay=0.02, clipnorm=1.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is CoupledSGD
    assert again.get_config() == optimizer.get_config()
    assert again.coupled_weight_decay == 0.02
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
