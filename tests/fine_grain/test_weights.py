"""The algebra of the split, in float64 and against equation 8 as it stands."""

import numpy as np
import pytest
from support import reference

from keras_finet.fine_grain.weights import energy_shares, split_normalization
from keras_finet.layers.fold import Normalization

CONV = reference.Convolution(padding="same")
EPSILON = 1e-3
FILTERS = 5


def hostile(channels, kernel_size=3, seed=0):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(kernel_size, kernel_size, channels, FILTERS))
    kernel[:, :, 0] *= 100.0  # one channel outweighs the others
    kernel[:, :, -2:, 1] = 0.0  # a dead group, where the groups are that small
    kernel[..., 2] = 0.0  # a dead filter
    whole = Normalization(
        gamma=rng.normal(size=FILTERS),
        beta=rng.normal(size=FILTERS),
        mean=rng.normal(size=FILTERS),
        variance=10 ** rng.uniform(-6, 4, size=FILTERS),
    )
    return kernel, rng.normal(size=FILTERS), whole


def normalized(images, kernel, bias, whole):
    partial = reference.convolve(images, kernel, CONV) + bias
    root = np.sqrt(whole.variance + EPSILON)
    return whole.gamma * (partial - whole.mean) / root + whole.beta


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 3, 4, 7])
def test_inference_is_the_same_for_any_groups(groups, scale):
    kernel, bias, whole = hostile(channels=7)
    if not scale:
        whole = whole._replace(gamma=np.ones(FILTERS))
    images = np.random.default_rng(1).normal(size=(2, 4, 4, 7))
    sizes = tuple(part.stop - part.start for part in reference.split(7, groups))
    split = split_normalization(whole, kernel, bias, EPSILON, sizes, scale=scale)
    assert {array.shape for array in split} == {(groups, FILTERS)}
    if not scale:
        assert np.array_equal(split.gamma, np.ones((groups, FILTERS)))
    found = reference.inference(images, kernel, *split, EPSILON, CONV)
    np.testing.assert_allclose(found, normalized(images, kernel, bias, whole), rtol=1e-9, atol=1e-9)


def test_one_group_changes_nothing_but_the_bias():
    kernel, bias, whole = hostile(channels=7)
    split = split_normalization(whole, kernel, bias, EPSILON, (7,), scale=True)
    for name in ("gamma", "beta", "variance"):
        assert np.array_equal(getattr(split, name)[0], getattr(whole, name)), name
    assert np.array_equal(split.mean[0], whole.mean - bias)


def test_shares_follow_the_energy_of_the_groups():
    kernel = np.zeros((1, 2, 3, 3))
    kernel[0, :, 0, 0] = 1.0, 1.0
    kernel[0, :, 2, 0] = 2.0, 0.0
    kernel[0, 0, 1, 1] = 5.0
    shares = energy_shares(kernel, (2, 1))
    np.testing.assert_allclose(shares, [[2 / 6, 1.0, 0.5], [4 / 6, 0.0, 0.5]], rtol=1e-15)


@pytest.mark.parametrize("groups", [2, 4, 8])
def test_a_training_step_keeps_the_variance_and_knows_it_beforehand(groups):
    """Where channels are uncorrelated and of one variance, which is what the split assumes."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(64, 16, 16, 16))
    kernel = rng.normal(size=(1, 1, 16, FILTERS)) * rng.uniform(0.1, 2.0, size=(16, 1))
    batch = reference.convolve(images, kernel, CONV)
    whole = Normalization(
        gamma=rng.uniform(0.5, 2.0, size=FILTERS),
        beta=rng.normal(size=FILTERS),
        mean=batch.mean((0, 1, 2)),
        variance=batch.var((0, 1, 2)),
    )
    sizes = (16 // groups,) * groups
    split = split_normalization(whole, kernel, np.zeros(FILTERS), EPSILON, sizes, scale=True)

    def step(gamma, beta):
        return reference.training_step(images, kernel, gamma, beta, EPSILON, CONV, batch)

    found = step(split.gamma, split.beta)
    # 16,384 samples: a variance is known to about 1 %, a correlation to about 0.8 %.
    np.testing.assert_allclose(found.outputs.std((0, 1, 2)), np.abs(whole.gamma), rtol=0.05)
    np.testing.assert_allclose(found.outputs.mean((0, 1, 2)), whole.beta, atol=1e-9)
    np.testing.assert_allclose(split.variance, found.variance, rtol=0.1)
    copied = step(np.tile(whole.gamma, (groups, 1)), split.beta)
    np.testing.assert_allclose(
        copied.outputs.std((0, 1, 2)), np.sqrt(groups) * np.abs(whole.gamma), rtol=0.05
    )
