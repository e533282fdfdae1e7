"""A training step, its FLOPs, and its memory as the worker asks for it."""

import itertools

import keras
import numpy as np
import pytest
from keras.backend import backend
from support.programs import measured
from training_cost import step, variants
from training_cost.plan import SMOKE_NETWORK

from keras_finet import complexity

SIDE, BATCH = 32, 2


def make_step(variant):
    keras.utils.set_random_seed(0)
    return step.TrainingStep(variants.build(SMOKE_NETWORK, variant, SIDE), BATCH)


def test_a_step_trains_on_the_same_batch():
    one = make_step("g4")

    def loss():
        return one.model.test_on_batch(one.images, one.labels)

    before, weights = loss(), [np.array(weight) for weight in one.model.get_weights()]
    for _ in range(3):
        one()
    assert loss() < before
    assert not any(map(np.array_equal, weights, one.model.get_weights()))


def convolution_flops():
    """Twice the multiplications of the outputs, the kernels' gradients and the inputs'."""
    layers = complexity(variants.build(SMOKE_NETWORK, "none", SIDE)).layers
    macs = [layer.macs for layer in layers]
    # Nothing is differentiated with respect to the images.
    return 2 * BATCH * (3 * sum(macs) - macs[0])


@pytest.mark.parametrize("variant", ["none", "paper"])
def test_flops_of_both_passes(variant):
    flops = make_step(variant).gradient_flops()
    if variant == "paper" and backend() == "tensorflow":
        assert flops is None  # inside functions that TensorFlow's counter cannot see
    elif backend() == "torch":
        assert flops == convolution_flops()  # it counts nothing else
    else:
        # Both add activations, biases and normalisation; JAX leaves out what meets the border.
        assert flops == pytest.approx(convolution_flops(), rel=0.2)


def test_flops_include_what_the_fine_grained_layers_add():
    flops = {variant: make_step(variant).gradient_flops() for variant in ("none", "g4")}
    assert flops["g4"] > 1.05 * flops["none"]


def allocator(monkeypatch, peaks, gpu=None):
    """A framework whose allocator counts these peaks, one after another."""
    framework = step.framework()
    monkeypatch.setattr(framework, "gpu_name", lambda: gpu)
    monkeypatch.setattr(framework, "allocated_peak_bytes", lambda function: next(peaks))
    monkeypatch.setattr(step, "resident_peak_bytes", lambda function: 5)


def test_memory_is_what_the_allocator_counts(monkeypatch):
    one = make_step("bn")
    allocator(monkeypatch, iter([9, 7, 8]))
    assert one.peak_bytes() == 8


def test_memory_is_resident_memory_where_the_allocator_does_not_count(monkeypatch):
    one = make_step("bn")
    allocator(monkeypatch, itertools.repeat(None))
    assert one.peak_bytes() == 5


def test_resident_memory_does_not_stand_for_that_of_a_gpu(monkeypatch):
    one = make_step("bn")
    allocator(monkeypatch, itertools.repeat(None), gpu="a GPU")
    assert one.peak_bytes() is None


@pytest.mark.skipif(backend() != "tensorflow", reason="TensorFlow's allocator on a CPU")
def test_tensorflow_counts_a_known_need():
    """Sixteen MiB, and never more than two such tensors beside the one that is held."""
    peak = measured("allocated_memory.py")
    assert peak is None or peak / 2**20 == pytest.approx(32, abs=1)
