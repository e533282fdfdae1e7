"""The handwritten digits of scikit-learn, which need no download: for trials of a recipe."""

from __future__ import annotations

import importlib.util
import io
from typing import Any

import numpy as np
from command_line import InputError
from image_data import load_digits
from PIL import Image

from tflite_tools.samples import spread

DIGITS = "digits"


class DigitsSource:
    """A `Source` of the 1797 digits, a fifth of which are kept to evaluate on.

    Args:
        size: Side of the images in pixels; the digits themselves have 8.
        limits: At most so many images to train and to evaluate on, evenly spread; None for all.
    """

    version = None
    notes: tuple[str, ...] = ()

    def __init__(self, size: int, limits: tuple[int | None, int | None]) -> None:
        if importlib.util.find_spec("sklearn") is None:
            raise InputError(
                "--dataset digits: expected scikit-learn, which holds them, but it is not "
                "installed. Install it with: pip install 'keras-finet[examples]'"
            )
        data = load_digits(size)
        self.name = DIGITS
        self.class_names = tuple(data.class_names)
        self._train = _encoded(data.train_images, data.train_labels, limits[0])
        self._evaluation = _encoded(data.test_images, data.test_labels, limits[1])
        self.train_size = len(self._train[1])
        self.evaluation_size = len(self._evaluation[1])

    def training_records(self, order_seed: int, skip: int = 0) -> Any:
        order = np.random.default_rng(order_seed).permutation(self.train_size)[skip:]
        return _records(*(part[order] for part in self._train))

    def evaluation_records(self) -> Any:
        return _records(*self._evaluation)


def _encoded(
    images: np.ndarray, labels: np.ndarray, limit: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """PNGs and labels, as the recipes read all images from files."""
    chosen = spread(len(labels), limit)
    return np.asarray([_png(images[index]) for index in chosen], object), labels[chosen]


def _png(pixels: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, format="PNG")
    return encoded.getvalue()


def _records(images: np.ndarray, labels: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((images, labels.astype("int64")))
