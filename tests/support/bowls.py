"""Quadratic bowls to roll down, for optimizers that are compared step by step."""

import keras
import numpy as np

STEPS = 20
SHAPES = {"kernel": (3, 3, 4, 5), "gamma": (5,), "beta": (5,), "bias": (1,)}
DECAY = 0.05
# It falls, and drops: a velocity that holds earlier learning rates would be off by far.
RATES = [0.2 * (1 - step / STEPS) * (0.1 if step >= 10 else 1.0) for step in range(STEPS)]


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return keras.ops.take(keras.ops.convert_to_tensor(RATES, "float32"), step)


class Bowls:
    """Of very different curvature; the gradient depends on the weights."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.start = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
        self.minimum = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
        self.curvature = {name: 10 ** rng.uniform(-3, 1, shape) for name, shape in SHAPES.items()}

    def gradient(self, name, weight):
        return self.curvature[name] * (np.asarray(weight, "float64") - self.minimum[name])

    def with_keras(self, optimizer):
        """The weights after `STEPS` steps of a Keras optimizer."""
        variables = {
            name: keras.Variable(value.astype("float32"), name=name)
            for name, value in self.start.items()
        }
        for _ in range(STEPS):
            gradients = [
                keras.ops.convert_to_tensor(
                    self.gradient(name, keras.ops.convert_to_numpy(variable.value)), "float32"
                )
                for name, variable in variables.items()
            ]
            optimizer.apply(gradients, list(variables.values()))
        return {name: keras.ops.convert_to_numpy(each.value) for name, each in variables.items()}

    def with_torch(self, torch, make_optimizer):
        """The same of one of PyTorch's, made of the weights and the first learning rate."""
        weights = {
            name: torch.nn.Parameter(torch.tensor(value, dtype=torch.float32))
            for name, value in self.start.items()
        }
        optimizer = make_optimizer(weights.values(), RATES[0])
        for rate in RATES:
            optimizer.param_groups[0]["lr"] = rate
            for name, weight in weights.items():
                gradient = self.gradient(name, weight.detach().numpy())
                weight.grad = torch.tensor(gradient, dtype=torch.float32)
            optimizer.step()
        return {name: weight.detach().numpy() for name, weight in weights.items()}


def assert_equal(found, expected):
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6, err_msg=name)
