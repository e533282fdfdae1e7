"""Loads models in a process of its own and writes what they answer.

Usage: python reload.py FOLDER: runs every `NAME.keras` on `NAME.npy`. Those in `FOLDER/stock` are
loaded first, before the package is imported.
"""

import sys
from pathlib import Path

import keras
import numpy as np


def answer(folder):
    """Writes the outputs of all models of `folder` to `outputs.npz`."""
    outputs = {}
    for path in sorted(folder.glob("*.keras")):
        model = keras.saving.load_model(path)
        images = np.load(path.with_suffix(".npy"))
        outputs[path.stem] = keras.ops.convert_to_numpy(model(images, training=False))
    np.savez(folder / "outputs.npz", **outputs)
    print(len(outputs))


def main(folder):
    answer(folder / "stock")
    import keras_finet  # noqa: F401

    answer(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
