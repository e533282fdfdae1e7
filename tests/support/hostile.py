"""Weights on which a wrong fold cannot hide."""

import numpy as np
from keras import ops


def randomize(model, seed=0):
    """Gives every weight of `model`, nested ones included, hostile values.

    Moving variances span four decades, means and offsets are random, factors have both signs.
    A factor is in proportion to the root of its variance, and a kernel to that of its fan-in, so
    that activations stay near one: a deep network of arbitrary gains is chaotic, and then float32's
    rounding, not the fold, is what a comparison sees.
    """
    rng = np.random.default_rng(seed)
    gamma = None
    for variable in model.weights:
        shape = tuple(variable.shape)
        values = rng.normal(size=shape)
        if variable.name == "gamma":
            gamma, gain = variable, np.sign(values) * rng.uniform(0.5, 1.5, size=shape)
        elif variable.name == "moving_variance":
            values = 10 ** rng.uniform(-2, 2, size=shape)
            if gamma is not None:
                gamma.assign(gain * np.sqrt(values))
            gamma = None
        elif "kernel" in variable.name:
            values /= np.sqrt(np.prod(shape[:-1]))
        variable.assign(values)


def settle(model, samples, decades=0.5):
    """Variances within `decades` of the data's, and factors of both signs.

    With statistics far from the data, sixteen blocks shrink what the input says to nothing, and
    a comparison of outputs sees the biases only.
    """
    rng = np.random.default_rng(5)
    _disturb(model, rng)
    normalizations = [layer for layer in model.layers if hasattr(layer, "momentum")]
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0
        if layer.gamma is not None:
            shape = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape))
        if layer.beta is not None:
            layer.beta.assign(rng.normal(size=layer.beta.shape))
    model(samples, training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum
        variance = ops.convert_to_numpy(layer.moving_variance)
        factors = 10 ** rng.uniform(-decades, decades, variance.shape)
        layer.moving_variance.assign(variance * factors)


def _disturb(model, rng):
    """Values other than the first ones for what stands in place of normalisations."""
    for variable in model.weights:
        shape = tuple(variable.shape)
        if variable.name in ("bias", "shift_in", "shift_out"):
            variable.assign(0.1 * rng.normal(size=shape))
        elif variable.name == "slope":
            variable.assign(rng.uniform(0.1, 0.4, size=shape))
        elif variable.name == "scale":
            variable.assign(rng.uniform(0.5, 1.0, size=shape))
