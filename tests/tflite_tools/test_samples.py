import numpy as np
import pytest

from tflite_tools.errors import ToolError
from tflite_tools.samples import checked_samples, spread


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int64"])
def test_numbers_of_any_type_become_float32(dtype):
    array = np.arange(6, dtype=dtype).reshape(3, 2)
    checked = checked_samples(array, (2,), what="data")
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, array)


def test_lists_are_accepted():
    assert checked_samples([[1, 2]], [2], what="data").shape == (1, 2)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((4, 8, 8, 1)), r"data: expected shape \(N, 8, 8, 3\).*got \(4, 8, 8, 1\)"),
        (np.zeros((8, 8, 3)), r"expected shape \(N, 8, 8, 3\).*got \(8, 8, 3\)"),
        (np.zeros((4, 3, 8, 8)), r"got \(4, 3, 8, 8\)"),
        (np.float32(1), r"got \(\)"),
        (np.zeros((0, 8, 8, 3)), "expected at least one sample"),
        (np.full((4, 8, 8, 3), "a"), "expected an array of numbers, got dtype <U1"),
        (np.zeros((4, 8, 8, 3), complex), "complex128"),
    ],
)
def test_what_cannot_be_fed_is_refused(samples, message):
    with pytest.raises(ToolError, match=message):
        checked_samples(samples, (8, 8, 3), what="data")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_nan_and_infinity_are_counted_and_located(value):
    samples = np.zeros((9, 2, 2))
    samples[4, 1, 0] = samples[7, 0, 0] = value
    with pytest.raises(ToolError, match="NaN or infinity in 2 of 9 samples, first in sample 4"):
        checked_samples(samples, (2, 2), what="data")


@pytest.mark.parametrize(
    ("count", "limit", "positions"),
    [
        (5, None, [0, 1, 2, 3, 4]),
        (3, 8, [0, 1, 2]),
        (5, 5, [0, 1, 2, 3, 4]),
        (101, 5, [0, 25, 50, 75, 100]),
        (10, 1, [0]),
        (0, 4, []),
    ],
)
def test_spread(count, limit, positions):
    assert spread(count, limit) == positions
