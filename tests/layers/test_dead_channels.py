"""Which slices count as dead."""

import numpy as np
import pytest
from keras import ops
from support import reference

from keras_finet import FineGrainedBatchNorm
from keras_finet.layers.dead_channels import dead_slices

# A layer of ordinary slices, to which each case adds one.
VARIANCES = np.array([0.3, 1.0, 2.5, 0.08])
NORMS = np.array([0.9, 1.2, 1.0, 0.5])


def is_dead(variance, epsilon, norm):
    dead = dead_slices(np.append(VARIANCES, variance), epsilon, np.append(NORMS, norm))
    assert not dead[:-1].any()
    return bool(dead[-1])


@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
@pytest.mark.parametrize("share", [0.0, 1e-30, 1e-5, 0.07])
def test_a_silent_input_is_dead(share, epsilon):
    assert is_dead(share * epsilon, epsilon, 1.0)


@pytest.mark.parametrize(
    ("variance", "epsilon", "norm"),
    [
        (1.1e-5, 1e-5, 1.0),  # the data decide its scale, not epsilon
        (9e-4, 1e-3, 1.0),  # below epsilon, but int8 can tell it from zero
        (1e-4, 1e-3, 1e-2),  # a kernel that weight decay has shrunk
        (1e-6, 1e-3, 1e-3),
        (1.0, 1e-3, 0.0),  # statistics that do not belong to the kernel, as before training
    ],
)
def test_living_slices_stay(variance, epsilon, norm):
    assert not is_dead(variance, epsilon, norm)


def test_inputs_that_were_never_scaled_kill_nothing():
    """Pixels from 0 to 1e-3: every variance is far below Keras' epsilon."""
    assert not dead_slices(VARIANCES * 1e-9, 1e-3, NORMS).any()


def test_a_layer_that_is_dead_as_a_whole():
    assert dead_slices(VARIANCES * 1e-12, 1e-3, NORMS).all()
    assert dead_slices(np.zeros(4), 1e-5, NORMS).all()


def test_a_kernel_of_zeros_reads_nothing():
    assert is_dead(0.0, 1e-3, 0.0)


def test_norms_are_those_of_each_groups_kernel():
    layer = FineGrainedBatchNorm(5, 3, groups=4)
    layer.build((None, 8, 8, 10))
    kernel = np.random.default_rng(0).normal(size=(3, 3, 10, 5))
    layer.kernel.assign(kernel)
    expected = [
        [np.linalg.norm(kernel[:, :, channels, filters]) for filters in range(5)]
        for channels in reference.split(10, 4)
    ]
    assert ops.shape(layer.moving_variance) == (4, 5)
    np.testing.assert_allclose(layer.kernel_norms(), expected, rtol=1e-6)
