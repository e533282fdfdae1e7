"""The optimizer against a NumPy computation and, where it is installed, PyTorch's own."""

import keras
import numpy as np
import pytest
from recipe.coupled_adam import CoupledAdam
from support.bowls import DECAY, RATES, Bowls, Falling, assert_equal

BETAS = (0.9, 0.999)
EPSILON = 1e-8


def coupled_adam(**options):
    return CoupledAdam(Falling(), weight_decay=DECAY, **options)


def with_numpy(bowls, betas=BETAS, epsilon=EPSILON):
    weights = dict(bowls.start)
    means, squares = (dict.fromkeys(weights, 0.0) for _ in range(2))
    for step, rate in enumerate(RATES, start=1):
        for name, weight in weights.items():
            gradient = bowls.gradient(name, weight) + DECAY * weight
            means[name] = betas[0] * means[name] + (1 - betas[0]) * gradient
            squares[name] = betas[1] * squares[name] + (1 - betas[1]) * gradient**2
            deviation = np.sqrt(squares[name] / (1 - betas[1] ** step))
            mean = means[name] / (1 - betas[0] ** step)
            weights[name] = weight - rate * mean / (deviation + epsilon)
    return weights


@pytest.mark.parametrize(
    ("betas", "epsilon"), [(BETAS, EPSILON), ((0.0, 0.9), 0.3)], ids=["defaults", "others"]
)
def test_equals_the_formula_in_float64(betas, epsilon):
    bowls = Bowls()
    optimizer = coupled_adam(beta_1=betas[0], beta_2=betas[1], epsilon=epsilon)
    assert_equal(bowls.with_keras(optimizer), with_numpy(bowls, betas, epsilon))


@pytest.mark.parametrize("epsilon", [EPSILON, 0.3])
def test_equals_pytorch(epsilon):
    torch = pytest.importorskip("torch")
    bowls = Bowls()
    expected = bowls.with_torch(
        torch,
        lambda weights, rate: torch.optim.Adam(weights, lr=rate, weight_decay=DECAY, eps=epsilon),
    )
    assert_equal(bowls.with_keras(coupled_adam(epsilon=epsilon)), expected)


def test_its_configuration_makes_it_again():
    optimizer = CoupledAdam(0.3, 0.8, 0.95, 1e-5, weight_decay=0.02, clipnorm=1.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is CoupledAdam
    assert again.get_config() == optimizer.get_config()
    assert (again.beta_1, again.beta_2, again.epsilon) == (0.8, 0.95, 1e-5)
    assert again.coupled_weight_decay == 0.02
    assert again.weight_decay is None  # Keras would apply it a second time, decoupled
