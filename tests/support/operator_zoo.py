"""Small networks that hold between them most operators of vision models, as .tflite files."""

import functools

import keras
import numpy as np
from keras import layers, ops

from tflite_tools.quiet import silenced

SHAPE = (8, 8, 8)


def _convolutions(x):
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(8, 3, padding="same", dilation_rate=2, use_bias=False)(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same")(x)
    return layers.Conv2D(4, 1, activation="tanh")(x)


def _large_weights(x):
    """Weights of over a thousand values: dynamic-range quantisation leaves smaller ones alone."""
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv2D(7, padding="same")(x)
    x = layers.Flatten()(x)
    return layers.Dense(4)(x)


def _grouped(x):
    x = layers.Conv2D(8, 3, groups=2, padding="same")(x)
    return layers.ReLU()(x)


def _activations(x):
    for name in ("relu", "relu6", "hard_silu", "sigmoid", "tanh", "elu", "gelu", "softmax"):
        x = ops.add(layers.Activation(name)(x), 0.1)
    x = layers.LeakyReLU(0.1)(x)
    return layers.PReLU(shared_axes=[1, 2])(x)


def _arithmetic(x):
    y = ops.subtract(ops.multiply(x, 2.0), 0.5)
    y = ops.divide(y, ops.add(ops.square(x), 1.0))
    y = ops.maximum(ops.minimum(y, 0.9), ops.abs(x))
    y = ops.sqrt(ops.exp(ops.add(y, ops.sin(x))))
    y = ops.add(y, ops.multiply(x, ops.mean(x, axis=(1, 2), keepdims=True)))
    y = ops.floor(ops.add(y, ops.rsqrt(ops.add(ops.square(y), 1.0))))
    return ops.log(ops.add(ops.abs(y), 1.0))


def _pooling(x):
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.AveragePooling2D(2, strides=1, padding="same")(x)
    x = layers.MaxPooling2D(1, strides=2)(x)
    y = ops.max(x, axis=(1, 2))
    y = ops.add(y, ops.min(x, axis=(1, 2)))
    y = ops.add(y, ops.sum(x, axis=(1, 2)))
    return ops.add(y, ops.mean(x, axis=(1, 2)))


def _shapes(x):
    x = layers.ZeroPadding2D(1)(x)
    y = ops.concatenate([x, ops.relu(x)], axis=-1)
    y = ops.concatenate([y[:, 1:9, 1:9, :4], y[:, 1:9, 1:9, 4:8]], axis=-1)
    parts = ops.split(y, 2, axis=-1)
    y = ops.concatenate([*parts, *parts, *parts], axis=-1)
    y = ops.transpose(y[:, ::2, ::2, :], (0, 3, 1, 2))
    y = ops.reshape(y, (-1, 4, 4, 4, 6))  # five axes
    y = ops.transpose(ops.relu(y), (0, 1, 3, 2, 4))
    y = ops.stack([ops.reshape(y, (-1, 24, 16)), ops.reshape(y, (-1, 24, 16))], axis=1)
    return layers.UpSampling2D(2, interpolation="bilinear")(y)


def _attention(x):
    y = ops.reshape(x, (-1, 64, 8))
    weights = ops.softmax(ops.matmul(y, ops.transpose(y, (0, 2, 1))))
    return layers.Dense(4)(ops.matmul(weights, y))


def _squeeze_excite(x):
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gates = layers.Conv2D(8, 1, activation="sigmoid")(layers.Conv2D(4, 1)(pooled))
    x = layers.Add()([x, layers.Multiply()([x, gates])])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return layers.Dense(5, activation="softmax")(x)


def _hard_swish_between(x):
    """Two branches of which one leaves XNNPACK when quantised: the order decides on the cuts."""
    left = layers.Conv2D(8, 1)(layers.Activation("hard_silu")(layers.Conv2D(8, 1)(x)))
    right = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    return layers.GlobalAveragePooling2D()(layers.Add()([left, right]))


NETWORKS = {
    "activations": _activations,
    "arithmetic": _arithmetic,
    "attention": _attention,
    "convolutions": _convolutions,
    "grouped": _grouped,
    "hard_swish_between": _hard_swish_between,
    "large_weights": _large_weights,
    "pooling": _pooling,
    "shapes": _shapes,
    "squeeze_excite": _squeeze_excite,
}


def _rarer(x):
    """What image networks seldom hold; not part of `NETWORKS`."""
    y = ops.take(ops.flip(x, 1), [0, 2, 4, 6], axis=1)
    y = ops.concatenate([y, ops.tile(y[:, :2], (1, 2, 1, 1))], axis=1)
    y = layers.UpSampling2D(2, interpolation="nearest")(y)
    y = ops.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    y = ops.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=0.5)
    left, right = ops.split(y, [3], axis=-1)
    y = layers.LeakyReLU(0.2)(ops.concatenate([right, left], axis=-1))
    y = ops.subtract(y, ops.sqrt(ops.relu(y) + 0.5))
    y = ops.nn.gelu(layers.PReLU(shared_axes=[1, 2])(y))
    return ops.normalize(ops.divide(y, ops.maximum(y, 0.5) + 1.0), axis=-1)


FURTHER = {"rarer": _rarer}


@functools.cache
def zoo_file(name, precision="float32", batch_size=1):
    """The content of a .tflite file.

    `precision` is "float32", "float16", "dynamic" or "int8"; None as batch size leaves it open.
    """
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE, batch_size=batch_size)
    model = keras.Model(image, (NETWORKS | FURTHER)[name](image))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        rng = np.random.default_rng(0)
        samples = rng.uniform(0.1, 1, size=(4, 1, *SHAPE)).astype("float32")
        converter.representative_dataset = lambda: ([sample] for sample in samples)
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with silenced():
        return converter.convert()
