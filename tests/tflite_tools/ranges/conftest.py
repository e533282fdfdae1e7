"""Files of a small network with one bad layer, made once."""

import keras
import numpy as np
import pytest

from tflite_tools import convert

layers = keras.layers


def _chain():
    """Three convolutions with ordinary weights, and no normalisation to hide a scale in."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="first")(image)
    x = layers.Conv2D(6, 1, activation="relu", name="second")(x)
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="third")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, layers.Dense(4, name="head")(x), name="chain")
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            kernel = rng.uniform(0.2, 1, kernel.shape) * rng.choice([-1, 1], kernel.shape)
            kernel /= np.sqrt(np.prod(kernel.shape[:-1]))
            layer.set_weights([kernel, rng.uniform(0.1, 0.3, bias.shape)])
    return model


@pytest.fixture(scope="session")
def chain():
    """Function that builds the network anew."""
    return _chain


@pytest.fixture(scope="session")
def chain_samples():
    return np.random.default_rng(0).normal(size=(24, 8, 8, 3)).astype("float32")


@pytest.fixture(scope="session")
def pair_of_files(chain_samples, tmp_path_factory):
    """Function that converts a model to float32 and int8 and returns both files."""

    def make(model, calibration=chain_samples, **options):
        folder = tmp_path_factory.mktemp(model.name)
        precisions = ("float32", "int8")
        report = convert(model, folder, precisions=precisions, calibration=calibration, **options)
        return tuple(record.file for record in report.records)

    return make


@pytest.fixture(scope="session")
def sound_files(chain, pair_of_files):
    return pair_of_files(chain())
