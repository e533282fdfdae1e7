"""Loads a compiled model in a process of its own, trains it for a step and writes its weights.

Usage: python resume_training.py MODEL.keras DATA.npz WEIGHTS.npz
"""

import json
import sys

import keras
import numpy as np

import keras_finet  # noqa: F401  (registers the optimizer)


def main(model, data, weights):
    model = keras.saving.load_model(model)
    with np.load(data) as arrays:
        model.train_on_batch(arrays["x"], arrays["y"])
    np.savez(weights, *model.get_weights())
    print(json.dumps(type(model.optimizer).__name__))


if __name__ == "__main__":
    main(*sys.argv[1:])
