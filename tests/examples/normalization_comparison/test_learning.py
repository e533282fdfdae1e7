"""That every scheme learns at all: a few steps on a few digits, with TensorFlow."""

import keras
import numpy as np
import pytest
from normalization_comparison.networks import build
from normalization_comparison.setting import load, setting
from normalization_comparison.variants import VARIANTS

import keras_finet

IMAGES_OF_A_CLASS = 2
STEPS = 24


@pytest.fixture(scope="module")
def digits():
    """A few images of each class, and their labels."""
    data = load("digits", None)
    classes = range(len(data.class_names))
    chosen = [np.flatnonzero(data.train_labels == each)[:IMAGES_OF_A_CLASS] for each in classes]
    images = data.train_images[np.concatenate(chosen)].astype("float32")
    labels = np.repeat(np.eye(len(chosen), dtype="float32"), IMAGES_OF_A_CLASS, axis=0)
    return keras_finet.preprocess_input(images), labels


@pytest.mark.parametrize(
    "variant", [name for name, each in VARIANTS.items() if "normalization" in each.arguments]
)
def test_a_few_digits_are_learned_by_heart(variant, digits):
    """Chance is log 10 = 2.3, where a network stays that makes the same of all images."""
    images, labels = digits
    model = build(setting("digits", "finet_small", "tensorflow"), variant, labels.shape[1], seed=0)
    model.compile(keras.optimizers.Adam(0.003), "categorical_crossentropy", jit_compile=False)
    losses = [float(model.train_on_batch(images, labels)) for _ in range(STEPS)]
    assert np.mean(losses[-4:]) < 1.0
