"""Small networks of each way to train without normalisations, and how to train them a little."""

import math

import keras
import numpy as np
from keras import layers, ops

from keras_finet.layers import (
    BranchScale,
    Centered,
    RPReLU,
    RSign,
    ShiftedReLU,
    SignConv2D,
    SignDepthwiseConv2D,
    SignStandardizedConv2D,
    StandardizedConv2D,
    ZeroMean,
)

SIZE = (8, 9, 3)
CLASSES = 4


def shifted_relu():
    """1-bit convolutions, depthwise too, and a temperature."""
    images = keras.Input(SIZE)
    x = layers.BatchNormalization(name="input_bn")(images)
    x = SignConv2D(6, 3, padding="same", name="conv1")(x)
    y = SignConv2D(6, 3, padding="same", name="conv2")(ShiftedReLU(name="relu1")(x))
    y = SignDepthwiseConv2D(3, padding="same", name="conv3")(ShiftedReLU(name="relu2")(y))
    x = layers.Add(name="add")([x, y])
    x = SignConv2D(CLASSES, 1, name="conv4")(ShiftedReLU(name="relu3")(x))
    x = layers.Rescaling(1 / 40, name="temperature")(x)
    return keras.Model(images, layers.GlobalAveragePooling2D(name="pool")(x))


def mimic_norm():
    """Centred convolutions, a scaled residual branch, and the last batch normalisation."""
    centred = {"kernel_initializer": Centered("he_normal"), "kernel_constraint": ZeroMean()}
    images = keras.Input(SIZE)
    x = layers.Conv2D(6, 3, activation="relu", padding="same", name="conv1", **centred)(images)
    y = layers.Conv2D(6, 1, activation="relu", name="conv2", **centred)(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="conv3")(y)
    y = BranchScale(1.44, name="scale1")(y)
    y = layers.Conv2D(6, 1, name="conv4", **centred)(y)
    x = layers.Add(name="add")([x, BranchScale(1.44, name="scale2")(y)])
    x = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="relu")(x))
    x = layers.Dense(CLASSES, name="predictions")(x)
    return keras.Model(images, layers.BatchNormalization(center=False, scale=False, name="bn")(x))


def normalizer_free():
    """Binary units whose offsets fold through the residual sum, after a float stem."""
    images = keras.Input(SIZE)
    x = StandardizedConv2D(8, 3, name="conv1")(images)
    for unit, deviation in (("2", 1.0), ("3", math.sqrt(1.04))):
        y = RSign(1 / deviation, name=f"sign{unit}")(x)
        y = SignStandardizedConv2D(8, 3, padding="same", name=f"conv{unit}")(y)
        y = BranchScale(0.2, trainable=False, name=f"alpha{unit}")(y)
        x = RPReLU(name=f"act{unit}")(layers.Add(name=f"add{unit}")([x, y]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(images, layers.Dense(CLASSES, name="predictions")(x))


NETWORKS = (shifted_relu, mimic_norm, normalizer_free)


def trained(network):
    """The network after a few steps with hostile weights, and the images it was trained on."""
    keras.utils.set_random_seed(1)
    model = network()
    rng = np.random.default_rng(2)
    for variable in model.trainable_variables:
        if not variable.path.endswith("kernel"):
            variable.assign(rng.normal(0.3, 0.5, size=variable.shape))
    model.compile(keras.optimizers.SGD(0.02, momentum=0.9), "mse", jit_compile=False)
    images = (5 * rng.normal(size=(8, *SIZE)) + 3).astype("float32")
    before = [ops.convert_to_numpy(each).copy() for each in model.weights]
    for _ in range(6):
        model.train_on_batch(images, rng.normal(size=(8, CLASSES)))
    moved = [
        np.abs(ops.convert_to_numpy(new) - old).max()
        for new, old in zip(model.weights, before, strict=True)
        if new.trainable or "moving" in new.name
    ]
    assert all(np.isfinite(moved))
    assert np.count_nonzero(moved) > 0.9 * len(moved)
    return model, images
