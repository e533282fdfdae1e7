"""Weights on which a wrong fold cannot hide."""

import numpy as np


def randomize(model, seed=0):
    """Gives every weight hostile values.

    Variances over four decades, moving means, factors of both signs, unequal offsets; kernels with
    the variance of a fresh one, so that activations stay in range.
    """
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        values = rng.normal(size=shape)
        if variable.name == "moving_variance":
            values = 10 ** rng.uniform(-2, 2, size=shape)
        elif "kernel" in variable.name:
            values /= np.sqrt(np.prod(shape[:-1]))
        variable.assign(values)
