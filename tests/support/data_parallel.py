"""Prints how far a step on a batch sharded over two devices is from one on a single device.

A program of its own, because jax must be told of virtual devices before it starts.
Usage: python data_parallel.py KERNEL_SIZE
"""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = " ".join(
    [os.environ.get("XLA_FLAGS", ""), "--xla_force_host_platform_device_count=2"]
)

import keras
import numpy as np
from keras import ops

from keras_finet.layers import FineGrainedBatchNorm


def trained_weights(kernel_size, distribution):
    """Trains two steps and returns every weight, the moving statistics included."""
    keras.distribution.set_distribution(distribution)
    keras.utils.set_random_seed(0)
    layer = FineGrainedBatchNorm(4, kernel_size, groups=2, padding="same", momentum=0.5)
    model = keras.Sequential([keras.Input((5, 5, 6)), layer])
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    images = rng.normal(2.0, 1.0, size=(16, 5, 5, 6)).astype("float32")
    targets = rng.normal(size=(16, 5, 5, 4)).astype("float32")
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    model.fit(images, targets, batch_size=8, shuffle=False, verbose=0)
    return {weight.name: ops.convert_to_numpy(weight.value) for weight in model.weights}


def main(kernel_size):
    devices = keras.distribution.list_devices("cpu")
    assert len(devices) == 2, devices
    parallel = trained_weights(kernel_size, keras.distribution.DataParallel(devices=devices))
    single = trained_weights(kernel_size, keras.distribution.DataParallel(devices=devices[:1]))
    errors = {
        name: float(np.max(np.abs(parallel[name] - single[name])) / np.max(np.abs(single[name])))
        for name in single
    }
    print(json.dumps(errors))


if __name__ == "__main__":
    main(int(sys.argv[1]))
