"""Synchronisation, memory, FLOPs and fused batch normalisation on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

VERSION = tf.__version__
# XLA is several times slower on a CPU, and Keras' "auto" would choose it on a GPU: the kernels of
# TensorFlow are compared, as the quickstart uses them.
JIT_COMPILE = False


def fused_batch_norm(layer: keras.layers.BatchNormalization, inputs: Any) -> Any:
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs,
        layer.gamma.value,
        layer.beta.value,
        epsilon=layer.epsilon,
        is_training=True,
    )
    for moving, batch in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + batch * (1.0 - layer.momentum))
    return outputs


def gpu_name() -> str | None:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)


def synchronize(model: keras.Model) -> None:
    tf.test.experimental.sync_devices()


def allocated_peak_bytes(step: Callable[[], object]) -> int | None:
    """On a CPU only the allocator of oneDNN counts; it never gives memory back to the system."""
    device = "CPU:0" if gpu_name() is None else "GPU:0"
    try:
        tf.config.experimental.reset_memory_stats(device)
    except ValueError:
        return None
    before = tf.config.experimental.get_memory_info(device)["current"]
    step()
    return tf.config.experimental.get_memory_info(device)["peak"] - before


def gradient_flops(
    model: keras.Model, loss: Callable[[Any, Any], Any], images: Any, labels: Any
) -> float | None:
    """Counts the operations of the graph; None where it calls compiled functions.

    Keras compiles grouped convolutions with XLA, and TensorFlow's counter does not look into such
    functions.
    """

    @tf.function
    def gradients(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(labels, model(images, training=True))
        return tape.gradient(value, [variable.value for variable in model.trainable_variables])

    graph = gradients.get_concrete_function(images, labels).graph
    if any(operation.type.endswith("PartitionedCall") for operation in graph.get_operations()):
        return None
    counted = tf.compat.v1.profiler.profile(
        graph,
        options={
            **tf.compat.v1.profiler.ProfileOptionBuilder.float_operation(),
            "output": "none",
        },
    )
    return float(counted.total_float_ops)
