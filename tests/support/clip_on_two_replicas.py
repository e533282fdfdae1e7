"""Prints how far a clipped step of two virtual CPUs, half a batch each, is from one on the whole.

A program of its own, because virtual devices must be made before TensorFlow does anything else.
Usage: python clip_on_two_replicas.py
"""

import json

import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

import keras  # noqa: E402

import keras_finet  # noqa: E402


def trained(images, targets):
    """The weights before and after a step."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((5, 5, 2)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="predictions"),
        ]
    )
    inner = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=16.0)
    optimizer = keras_finet.AdaptiveGradientClipping.for_model(model, inner)
    model.compile(optimizer, "mse", jit_compile=False)
    before = model.get_weights()
    model.fit(images, targets, batch_size=8, shuffle=False, verbose=0)
    return before, model.get_weights()


def main():
    rng = np.random.default_rng(1)
    images = rng.normal(size=(8, 5, 5, 2)).astype("float32")
    # Halves that pull in other directions.
    targets = rng.normal(size=(8, 3)) + np.repeat([[1.0], [-2.0]], 4, axis=0)
    _, expected = trained(images, targets)
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        before, found = trained(images, targets)
    errors = [
        float(np.abs(new - reference).max() / np.abs(reference - old).max())
        for old, new, reference in zip(before, found, expected, strict=True)
    ]
    print(json.dumps(max(errors)))


if __name__ == "__main__":
    main()
