"""A classifier with dead channels of the kinds that training leaves."""

import keras
import numpy as np
from keras import ops
from support.hostile import settle

from keras_finet import FineGrainedBatchNorm

layers = keras.layers
CLASSES = 6
WIDTH = 64
# The stem's channels whose kernels have died; they are all that a group of the next layer reads.
DEAD_GROUP = 1
CONSTANT = slice(16, 32)
LEVEL = 0.7


def labelled_images(count=300, seed=0):
    """Classes that differ in the mean colour and in the contrast of images of four channels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    means = np.random.default_rng(99).normal(scale=0.7, size=(CLASSES, 4))
    contrasts = np.random.default_rng(98).uniform(0.5, 1.5, size=(CLASSES, 4))
    noise = rng.normal(size=(count, 8, 8, 4)) * contrasts[labels][:, None, None]
    colour = rng.normal(scale=0.1, size=(count, 1, 1, 4))
    return (means[labels][:, None, None] + noise + colour).astype("float32"), labels


def classifier(images, labels, gain=1.0):
    """The network with the statistics of `images`, and a head fitted to them.

    `gain` multiplies the gammas of the dead slices, and with them the weights that they fold to.
    """
    inputs = keras.Input((8, 8, 4), name="image")
    x = layers.Conv2D(WIDTH, 1, use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(epsilon=1e-5, name="stem_bn")(x)
    x = layers.ReLU()(x)
    x = FineGrainedBatchNorm(WIDTH, 1, groups=4, epsilon=1e-5, activation="relu", name="fine")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="depthwise_bn")(x)
    x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(CLASSES, name="head")(x), name="planted")
    _initialize(model)
    settle(model, images, decades=0)
    _kill(model)
    _set_statistics(model, images)
    _amplify(model.get_layer("fine"), gain)
    _fit_head(model, images, labels)
    return model


def _initialize(model):
    rng = np.random.default_rng(7)
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            shape = tuple(layer.kernel.shape)
            layer.kernel.assign(rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1])))


def _kill(model):
    """Some channels of the stem always give the same, as their kernels are nothing any more.

    No other channel may be near death: what hardly ever fires counts as dead, too.
    """
    fine = model.get_layer("fine")
    fine.beta.assign(np.abs(ops.convert_to_numpy(fine.beta)))
    stem, normalization = model.get_layer("stem"), model.get_layer("stem_bn")
    kernel = ops.convert_to_numpy(stem.kernel).copy()
    kernel[..., CONSTANT] = 0.0
    stem.kernel.assign(kernel)
    beta = ops.convert_to_numpy(normalization.beta).copy()
    beta[CONSTANT] = LEVEL
    normalization.beta.assign(beta)


def _set_statistics(model, images):
    for layer in model.layers:
        if hasattr(layer, "momentum"):
            layer.momentum = 0.0
    model(images, training=True)


def _amplify(layer, gain):
    """Statistics of a constant to the last digit: rounding times `gain` would be no constant."""
    kernel = ops.convert_to_numpy(layer.kernel)[0, 0, CONSTANT].astype("float64")
    exact = {"moving_mean": LEVEL * kernel.sum(0), "moving_variance": 0.0}
    for name, values in exact.items():
        variable = getattr(layer, name)
        array = ops.convert_to_numpy(variable).copy()
        array[DEAD_GROUP] = values
        variable.assign(array)
    gamma = ops.convert_to_numpy(layer.gamma).copy()
    gamma[DEAD_GROUP] *= gain
    layer.gamma.assign(gamma)


def _fit_head(model, images, labels):
    head = model.get_layer("head")
    features = np.asarray(keras.Model(model.input, head.input)(images, training=False))
    design = np.concatenate([features, np.ones((len(features), 1))], axis=1).astype("float64")
    targets = np.eye(CLASSES)[labels]
    solution = np.linalg.solve(
        design.T @ design + 1e-3 * np.eye(design.shape[1]), design.T @ targets
    )
    head.set_weights([solution[:-1], solution[-1]])
