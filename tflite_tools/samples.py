"""Checks on arrays of model inputs, shared by every tool that takes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError

AnyArray = np.ndarray[Any, np.dtype[Any]]
FloatArray = np.ndarray[Any, np.dtype[np.float32]]

# A memory-mapped file is read in blocks of so many samples.
_BLOCK = 64


def checked_samples(samples: Any, sample_shape: Sequence[int], *, what: str) -> FloatArray:
    """Returns `samples` as float32 if they can be fed to a model.

    Args:
        samples: The array to check.
        sample_shape: The shape of one sample, without the batch axis.
        what: How messages call the array, such as "calibration data".
    """
    return as_float32(checked_array(samples, sample_shape, what=what))


def checked_array(samples: Any, sample_shape: Sequence[int], *, what: str) -> AnyArray:
    """As `checked_samples`, but in the type that the samples have, so that nothing is copied."""
    array = np.asarray(samples)
    expected = f"({', '.join(['N', *map(str, sample_shape)])})"
    if not (np.issubdtype(array.dtype, np.number) and np.isrealobj(array)):
        raise ToolError(f"{what}: expected an array of numbers, got dtype {array.dtype}.")
    if array.shape[1:] != tuple(sample_shape) or array.ndim == 0:
        raise ToolError(
            f"{what}: expected shape {expected}, as the model's input, got {array.shape}. "
            "Resize or transpose the data to match."
        )
    if len(array) == 0:
        raise ToolError(f"{what}: expected at least one sample, got none.")
    _refuse_non_finite(array, what)
    return array


def as_float32(array: AnyArray) -> FloatArray:
    """The values as float32; those beyond its range become infinity, without a warning."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def spread(count: int, limit: int | None) -> list[int]:
    """At most `limit` of `count` positions, evenly spread, the same ones every time."""
    if limit is None or limit >= count:
        return list(range(count))
    return [int(position) for position in np.linspace(0, count - 1, limit).round()]


def _refuse_non_finite(array: AnyArray, what: str) -> None:
    blocks = (array[start : start + _BLOCK] for start in range(0, len(array), _BLOCK))
    finite = np.concatenate(
        [np.isfinite(as_float32(block)).reshape(len(block), -1).all(axis=1) for block in blocks]
    )
    if not finite.all():
        bad = int(np.count_nonzero(~finite))
        raise ToolError(
            f"{what}: NaN or infinity in {bad} of {len(array)} samples, first in sample "
            f"{int(np.argmin(finite))}. Remove those samples or repair the preprocessing."
        )
