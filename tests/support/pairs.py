"""Graphs of a convolution and a normalisation that are, or are not, one function."""

from keras import layers


class LoudConv(layers.Conv2D):
    def call(self, inputs):
        return super().call(inputs) * 2.0


class LoudNorm(layers.BatchNormalization):
    pass


def activation_between(x):
    y = layers.ReLU(name="relu")(layers.Conv2D(4, 1, name="conv")(x))
    return layers.BatchNormalization(name="bn")(y)


def used_elsewhere(x):
    y = layers.Conv2D(4, 1, name="conv")(x)
    return layers.Add(name="add")([layers.BatchNormalization(name="bn")(y), y])


def conv_is_an_output(x):
    y = layers.Conv2D(4, 1, name="conv")(x)
    return [layers.BatchNormalization(name="bn")(y), y]


def shared_convolution(x):
    conv = layers.Conv2D(4, 1, name="conv")
    return [layers.BatchNormalization(name="bn")(conv(x)), conv(layers.ReLU()(x))]


def shared_normalization(x):
    norm = layers.BatchNormalization(name="bn")
    return [norm(layers.Conv2D(4, 1, name="conv")(x)), norm(layers.Conv2D(4, 1)(x))]
