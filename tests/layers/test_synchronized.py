"""Two replicas against the whole batch on one device."""

import pytest
from keras.backend import backend
from support.programs import measured

from keras_finet.layers import FineGrainedBatchNorm


@pytest.mark.skipif(backend() != "tensorflow", reason="tf.distribute is tensorflow's")
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_synchronized_step_equals_the_whole_batch(kernel_size):
    assert measured("two_replicas.py", kernel_size, True) < 1e-5


@pytest.mark.skipif(backend() != "tensorflow", reason="tf.distribute is tensorflow's")
def test_without_synchronization_the_step_is_another():
    """The measurement above can fail: each replica's own statistics give other gradients."""
    assert measured("two_replicas.py", 1, False) > 1e-2


@pytest.mark.skipif(backend() != "jax", reason="keras.distribution is jax's")
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_sharded_batch_is_one_batch_on_jax(kernel_size):
    """Weights and statistics after two steps, on two devices and on one."""
    errors = measured("data_parallel.py", kernel_size)
    assert max(errors.values()) < 1e-5, errors


@pytest.mark.skipif(backend() == "tensorflow", reason="the other backends refuse it")
def test_other_backends_say_what_to_do():
    with pytest.raises(ValueError, match="`synchronized=True` is for the tensorflow backend"):
        FineGrainedBatchNorm(4, 1, synchronized=True)
