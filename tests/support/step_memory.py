"""Peak memory of a training step of 3x3 layers on tensorflow, in a process of its own.

python step_memory.py STATISTICS GROUPS: prints bytes.
"""

import gc
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf
from training_cost.memory import resident_peak_bytes

from keras_finet.layers import FineGrainedBatchNorm

LAYERS = 4
FILTERS = 64


def model(statistics, groups):
    stack = keras.Sequential([keras.Input((32, 32, FILTERS))])
    for _ in range(LAYERS):
        stack.add(
            FineGrainedBatchNorm(FILTERS, 3, padding="same", groups=groups, statistics=statistics)
        )
        stack.add(keras.layers.ReLU())
    return stack


def main(statistics, groups):
    stack = model(statistics, groups)
    weights = [weight.value for weight in stack.trainable_variables]

    @tf.function(input_signature=[tf.TensorSpec((None, 32, 32, FILTERS))])
    def step(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(stack(images, training=True) ** 2)
        return tape.gradient(loss, weights)

    def run(batch):
        return step(tf.ones((batch, 32, 32, FILTERS)))[0].numpy()

    # Traces and loads what later steps need too; a whole batch's buffers would be kept.
    run(1)
    run(1)
    gc.collect()
    print(resident_peak_bytes(lambda: run(32)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
