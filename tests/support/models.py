"""Small models with hostile weights, and the comparison of two models' outputs."""

import keras
import numpy as np
from keras import ops
from support.hostile import randomize


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def functional(*stack, shape=(12, 12, 6)):
    """A functional model of the layers of `stack` on each other."""
    inputs = keras.Input(shape)
    x = inputs
    for layer in stack:
        x = layer(x)
    model = keras.Model(inputs, x)
    randomize(model)
    return model


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def outputs(model, inputs, training=False):
    flat = keras.tree.flatten(model(inputs, training=training))
    return [ops.convert_to_numpy(ops.cast(tensor, "float32")) for tensor in flat]


def assert_same_outputs(model, other, inputs, tolerance=1e-5, training=False):
    pairs = zip(outputs(model, inputs, training), outputs(other, inputs, training), strict=True)
    for expected, actual in pairs:
        assert np.max(np.abs(expected)) > 0.01
        assert np.max(np.abs(actual - expected)) <= tolerance * np.max(np.abs(expected))
