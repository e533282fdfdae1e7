"""Which samples are trained on, held back and calibrated with."""

import numpy as np
import pytest

from tflite_tools.errors import ToolError
from tflite_tools.quantization_aware.data import load_training_data

SHAPE = (4, 4, 1)
OPTIONS = {
    "validation": None,
    "calibration": None,
    "split": None,
    "validation_split": None,
    "limit": None,
    "calibration_samples": 8,
    "trained_range": None,
}


def numbered(count, first=0):
    """Samples that tell their position."""
    gradient = np.linspace(0, 0.5, 16, dtype="float32").reshape(SHAPE)
    samples = np.arange(first, first + count, dtype="float32")[:, None, None, None] + gradient
    return samples, np.arange(count) % 3


def load(images, labels=None, classes=3, **options):
    return load_training_data(images, labels, SHAPE, classes, **{**OPTIONS, **options})


def positions(samples):
    return [int(sample[0, 0, 0]) for sample in samples]


def test_a_tenth_is_held_back_evenly_spread():
    data = load(*numbered(40))
    assert positions(data.held_back.samples) == [0, 13, 26, 39]
    np.testing.assert_array_equal(data.held_back.labels, np.array([0, 13, 26, 39]) % 3)
    assert sorted([*positions(data.samples), 0, 13, 26, 39]) == list(range(40))
    assert set(positions(data.calibration.samples)) <= set(positions(data.samples))
    assert len(data.calibration.samples) == 8
    assert data.trained_on.startswith("36 samples of")


def test_given_validation_and_calibration_data_are_taken():
    data = load(*numbered(10), validation=numbered(5, 100), calibration=numbered(6, 200)[0])
    assert positions(data.samples) == list(range(10))
    assert positions(data.held_back.samples) == list(range(100, 105))
    assert positions(data.calibration.samples) == list(range(200, 206))


def test_a_split_of_the_same_file_can_be_held_back(tmp_path):
    (x, y), (x_test, y_test) = numbered(10), numbered(4, 50)
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    data = load(str(tmp_path / "data.npz"), split="train", validation_split="test")
    assert positions(data.samples) == list(range(10))
    assert positions(data.held_back.samples) == list(range(50, 54))


def test_calibration_data_are_examined_as_for_convert():
    images, labels = numbered(20)
    (warning,) = load(images, labels).calibration.record.warnings
    assert "not normalised" in warning
    (warning,) = load(images, labels, trained_range=(-1, 1)).calibration.record.warnings
    assert "far outside" in warning
    for options in ({}, {"calibration": np.ones((6, *SHAPE))}):
        constant = np.ones_like(images) if not options else images
        with pytest.raises(ToolError, match=r"samples of .* are constant: one value"):
            load(constant, labels, **options)


def test_labels_are_not_needed():
    assert load(numbered(10)[0]).held_back.labels is None


@pytest.mark.parametrize(
    ("images", "labels", "options", "fragment"),
    [
        (numbered(1)[0], None, {}, "expected two samples or more"),
        (numbered(9)[0], np.arange(9), {}, "expected labels from 0 to 2"),
        ("somewhere.npy", [1, 2], {}, "expected them with an array of images only, got .* str"),
        (np.full((9, *SHAPE), np.nan), None, {}, "training data: NaN"),
        (numbered(9)[0], None, {"validation": np.zeros((2, 3, 3, 1))}, "validation data: .*shape"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(images, labels, options, fragment):
    with pytest.raises(ToolError, match=fragment):
        load(images, labels, **options)
