"""Networks that are not trained, with statistics as trained ones have, and images for them."""

from __future__ import annotations

import keras
import numpy as np

import keras_finet


def random_images(count: int, side: int) -> np.ndarray:
    """Patches of random colours from 0 to 255, coarse and fine, unlike noise of one size."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, side, side, 3), "float32")
    for cells in (1, 2, 4, 8):
        patches = rng.uniform(0, 255, size=(count, cells, cells, 3))
        times = -(-side // cells)
        images += np.kron(patches, np.ones((1, times, times, 1)))[:, :side, :side] / 4
    return images.astype("float32")


def randomize_statistics(model: keras.Model, images: np.ndarray) -> None:
    """Gives every normalization random factors and offsets, and statistics off the data's.

    Scalars of residual branches become random, too: of zeros nothing would be left to convert.

    The moving statistics are first set to those of the images, layer by layer, so that
    activations stay near one; then the variances are multiplied by 0.5 to 2 at random.
    """
    rng = np.random.default_rng(1)
    layers = [each for each in model.layers if hasattr(each, "moving_variance")]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
        for weight, low, high in ((layer.gamma, 0.5, 1.5), (layer.beta, 0.0, 1.0)):
            if weight is not None:
                weight.assign(rng.uniform(low, high, weight.shape))
    for layer in model.layers:
        if isinstance(layer, keras_finet.layers.BranchScale):
            layer.scale.assign(rng.uniform(0.5, 1.5))
    model(images, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        variance = keras.ops.convert_to_numpy(layer.moving_variance)
        layer.moving_variance.assign(variance * 2 ** rng.uniform(-1, 1, variance.shape))
