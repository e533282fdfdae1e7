"""MimicNorm's filters have mean zero at the start and after every step."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_finet.layers import Centered, ZeroMean


def means(kernel):
    """The mean of every filter, in units of the largest weight."""
    kernel = ops.convert_to_numpy(kernel).astype("float64")
    return np.abs(kernel.mean((0, 1, 2))) / np.abs(kernel).max()


def model():
    keras.utils.set_random_seed(0)
    options = {"kernel_initializer": Centered("he_normal"), "kernel_constraint": ZeroMean()}
    return keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Conv2D(8, 3, activation="relu", data_format="channels_last", **options),
            layers.Conv2D(5, 1, data_format="channels_last", **options),
            layers.GlobalAveragePooling2D(data_format="channels_last"),
            layers.Dense(2),
        ]
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        {"class_name": "SGD", "config": {"learning_rate": 0.1, "momentum": 0.9}},
        {"class_name": "Adam", "config": {"learning_rate": 0.05, "weight_decay": 0.01}},
    ],
    ids=lambda each: each["class_name"],
)
def test_filters_have_mean_zero_at_the_start_and_after_every_step(optimizer):
    net = model()
    kernels = [layer.kernel for layer in net.layers[:2]]
    assert all(means(kernel).max() < 1e-7 for kernel in kernels)
    net.compile(keras.optimizers.get(optimizer), "mse", jit_compile=False)
    rng = np.random.default_rng(1)
    before = ops.convert_to_numpy(kernels[0]).copy()
    for _ in range(5):
        net.train_on_batch(rng.normal(size=(4, 6, 6, 3)), rng.normal(size=(4, 2)))
        assert all(means(kernel).max() < 1e-7 for kernel in kernels)
    assert np.abs(ops.convert_to_numpy(kernels[0]) - before).max() > 1e-3


def test_the_projection_subtracts_each_filters_mean_and_is_not_differentiated():
    net = model()
    kernel = net.layers[0].kernel
    images, targets = np.ones((2, 6, 6, 3), "float32"), np.ones((2, 2), "float32")
    start = [ops.convert_to_numpy(weight) for weight in net.weights]

    def stepped(constraint):
        for weight, value in zip(net.weights, start, strict=True):
            weight.assign(value)
        kernel.constraint = constraint
        net.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
        net.train_on_batch(images, targets)
        return ops.convert_to_numpy(kernel)

    free = stepped(None).astype("float64")
    assert means(free).max() > 1e-3
    expected = free - free.mean((0, 1, 2))
    assert np.abs(stepped(ZeroMean()) - expected).max() < 1e-6 * np.abs(expected).max()


def test_the_initializer_centres_what_the_other_one_makes():
    plain = keras.initializers.HeNormal(seed=3)((3, 3, 4, 6))
    centred = Centered(keras.initializers.HeNormal(seed=3))((3, 3, 4, 6))
    plain = ops.convert_to_numpy(plain).astype("float64")
    expected = plain - plain.mean((0, 1, 2))
    assert np.abs(ops.convert_to_numpy(centred) - expected).max() < 1e-6


def test_both_come_back_from_their_configuration():
    layer = model().layers[0]
    copy = layers.Conv2D.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert isinstance(copy.kernel_initializer, Centered)
    assert isinstance(copy.kernel_constraint, ZeroMean)
