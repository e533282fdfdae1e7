"""Files with steps: rounding may turn values around on some samples, and convert knows that."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_finet.layers import RSign
from tflite_tools import artefact, convert
from tflite_tools.errors import ToolError

SAMPLES = np.random.default_rng(0).normal(size=(8, 4, 4, 3)).astype("float32")


@pytest.fixture
def model():
    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(16, 3, name="conv")(image)
    x = RSign(name="sign")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(4)(x), name="steps")


@pytest.fixture
def turned(monkeypatch):
    """A function that makes the reference of some samples that of other signs."""

    def turn(count):
        own = artefact.evaluate_models

        def evaluate_models(models, samples, *, reference_outputs):
            return own(models, samples, reference_outputs=changed(reference_outputs))

        def changed(reference):
            reference[:count] += 0.3 * np.abs(reference).max()
            return reference

        monkeypatch.setattr(artefact, "evaluate_models", evaluate_models)

    return turn


def test_a_file_is_kept_if_some_samples_are_turned(model, turned, tmp_path):
    turned(5)
    (record,) = convert(model, tmp_path, inputs=SAMPLES).records
    assert record.evaluation.max_abs_error > 0.01
    assert record.file.exists()


def test_a_file_is_refused_if_nearly_all_samples_differ(model, turned, tmp_path):
    turned(7)
    with pytest.raises(ToolError, match="does not compute the model's function"):
        convert(model, tmp_path, inputs=SAMPLES)
    assert not list(tmp_path.glob("*.tflite"))


def test_without_steps_one_sample_is_enough(turned, tmp_path):
    image = keras.Input((4, 4, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, activation="relu")(image))
    model = keras.Model(image, layers.Dense(4)(x), name="smooth")
    turned(1)
    with pytest.raises(ToolError, match="does not compute the model's function"):
        convert(model, tmp_path, inputs=SAMPLES)
