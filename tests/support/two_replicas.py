"""Prints how far a synchronised layer on two virtual CPUs is from one layer on the whole batch.

A program of its own, because virtual devices must be made before TensorFlow does anything else.
Usage: python two_replicas.py KERNEL_SIZE SYNCHRONIZED
"""

import json
import sys

import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

from keras import ops  # noqa: E402

from keras_finet.layers import FineGrainedBatchNorm  # noqa: E402

BATCH, SIDE, CHANNELS, FILTERS = 8, 5, 6, 4


def make_layer(kernel_size, synchronized):
    layer = FineGrainedBatchNorm(
        FILTERS, kernel_size, groups=2, padding="same", momentum=0.5, synchronized=synchronized
    )
    layer.build((None, SIDE, SIDE, CHANNELS))
    rng = np.random.default_rng(0)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return layer


def gradients(layer, images, upstream):
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_sum(layer(images, training=True) * upstream)
    variables = [variable.value for variable in layer.trainable_variables]
    return tape.gradient(loss, [images, *variables])


def main(kernel_size, synchronized):
    rng = np.random.default_rng(1)
    images = rng.normal(2.0, 1.0, size=(BATCH, SIDE, SIDE, CHANNELS)).astype("float32")
    upstream = rng.normal(size=(BATCH, SIDE, SIDE, FILTERS)).astype("float32")
    single = make_layer(kernel_size, synchronized=False)
    expected = gradients(single, tf.constant(images), upstream)

    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        layer = make_layer(kernel_size, synchronized)
    halves = [
        strategy.experimental_distribute_values_from_function(
            lambda context, array=array: tf.constant(
                np.split(array, 2)[context.replica_id_in_sync_group]
            )
        )
        for array in (images, upstream)
    ]

    @tf.function
    def step(images, upstream):
        d_images, *d_variables = gradients(layer, images, upstream)
        context = tf.distribute.get_replica_context()
        return d_images, [context.all_reduce("sum", gradient) for gradient in d_variables]

    d_images, d_variables = strategy.run(step, args=halves)
    found = [np.concatenate(strategy.experimental_local_results(d_images))]
    found += [strategy.experimental_local_results(gradient)[0] for gradient in d_variables]
    errors = [
        float(np.max(np.abs(a - b)) / np.max(np.abs(b)))
        for a, b in zip(found, expected, strict=True)
    ]
    for name in ("moving_mean", "moving_variance"):
        a, b = (ops.convert_to_numpy(getattr(each, name)) for each in (layer, single))
        errors.append(float(np.max(np.abs(a - b)) / np.max(np.abs(b))))
    print(json.dumps(max(errors)))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "True")
