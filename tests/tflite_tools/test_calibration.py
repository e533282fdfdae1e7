import re

import numpy as np
import pytest
from PIL import Image

from tflite_tools.calibration import load_calibration
from tflite_tools.errors import ToolError

SHAPE = (4, 5, 3)
DATA = np.random.default_rng(0).normal(size=(10, *SHAPE)).astype("float32")


def record(source, shape=SHAPE, **options):
    return load_calibration(source, shape, **options).record


def test_samples_and_their_range():
    scaled = DATA * [1, 2, 3] + [0, 0, 7]
    calibration = load_calibration((scaled, np.arange(10)), SHAPE, percentile=99.9)
    np.testing.assert_array_equal(calibration.samples, scaled.astype("float32"))
    found = calibration.record
    assert (found.source, found.samples, found.percentile) == ("the given tuple", 10, 99.9)
    np.testing.assert_allclose((found.min, found.max), (scaled.min(), scaled.max()), 1e-6)
    np.testing.assert_allclose(found.mean, scaled.mean((0, 1, 2)), 1e-5)
    np.testing.assert_allclose(found.std, scaled.std((0, 1, 2)), 1e-5)
    assert (found.constant, found.skipped, found.trained_range, found.warnings) == (0, (), None, ())
    assert all(type(value) is float for value in (found.min, found.max, *found.mean, *found.std))


def test_what_is_no_image_has_no_channels():
    assert (record(DATA[..., 0, 0, :], (3,)).mean, record(DATA[..., 0, 0, :], (3,)).std) == (
        None,
    ) * 2


def with_constant(count):
    data = DATA.copy()
    data[:count] = np.arange(count)[:, None, None, None] + np.array([0, 1, 2])  # one colour each
    return data


def test_some_constant_samples_are_a_warning():
    found = record(with_constant(2))
    assert found.constant == 2
    assert found.warnings == (
        "2 of 10 samples are constant, one value or colour throughout. Check that they are meant.",
    )


@pytest.mark.parametrize(
    ("source", "shape", "count"),
    [
        (with_constant(10), SHAPE, 10),
        (np.zeros((4, *SHAPE)), SHAPE, 4),
        (np.ones((3, 7)) * [[1], [2], [3]], (7,), 3),
        (np.ones((5, 1)), (1,), 5),
    ],
)
def test_nothing_but_constant_samples_is_refused(source, shape, count):
    message = f"calibration data: {count} of {count} samples of the given array are constant"
    with pytest.raises(ToolError, match=message):
        record(source, shape)


def test_samples_of_one_value_differ_from_each_other():
    assert record(np.arange(5.0)[:, None], (1,)).constant == 0


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(1)
    for index in range(6):
        pixels = rng.integers(0, 256, (7, 9, 3)).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    return tmp_path


def test_images_left_out_are_counted_and_named(folder):
    broken = [folder / f"broken{index}.png" for index in range(4)]
    for file in broken:
        file.write_text("no image")
    with pytest.raises(ToolError, match="4 of 10 cannot be read"):
        record(folder)
    found = record(folder, skip_unreadable=True)
    assert (found.samples, found.skipped) == (6, tuple(map(str, broken)))
    (warning,) = found.warnings
    assert warning.startswith("4 of 10 images could not be read and were left out: ")
    assert "broken2.png and 1 more." in warning


def test_pixels_that_nobody_normalised(folder):
    (warning,) = record(folder, preprocessing="none").warnings
    assert warning.startswith("the values run from ")
    assert "as pixels that were not normalised" in warning
    for preprocessing in ("torch", "tf", "unit"):
        assert record(folder, preprocessing=preprocessing).warnings == ()
    # Nobody normalises a vector of counts.
    assert record(np.array([[0.0, 200.0], [3.0, 100.0]]), (2,)).warnings == ()


@pytest.mark.parametrize(
    ("values", "trained", "warning"),
    [
        ((-2.1, 2.6), (-2.1, 2.6), None),
        ((-2.5, 3.5), (-2.1, 2.6), None),
        ((-1.0, 1.0), (-2.1, 2.6), None),
        ((0, 255), (0, 255), None),
        ((0, 255), (-2.1, 2.6), "from 0 to 255, but in training they ran from -2.1 to 2.6 .* outs"),
        ((-5, 1), (-2.1, 2.6), "far outside"),
        ((0, 1), (-2.1, 2.6), "from 0 to 1, .*: a small part of it"),
        ((0, 1), (0, 255), "a small part of it"),
    ],
)
def test_the_range_in_training(values, trained, warning):
    samples = np.random.default_rng(0).uniform(*values, size=(10, *SHAPE))
    samples[0, 0, 0, :2] = values
    found = record(samples, trained_range=trained)
    assert found.trained_range == trained
    if warning is None:
        assert found.warnings == ()
    else:
        (text,) = found.warnings
        assert re.search(warning, text)
