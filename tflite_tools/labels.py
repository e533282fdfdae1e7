"""Class indices from what data sets have as labels."""

from typing import Any

import numpy as np

from tflite_tools.errors import ToolError

LabelArray = np.ndarray[Any, np.dtype[np.int64]]


def class_indices(labels: Any, count: int, *, what: str) -> LabelArray:
    """Labels as one class index for each sample.

    Args:
        labels: Class indices `(N,)` or `(N, 1)`, as integers or whole floats, or one-hot rows
            `(N, classes)`.
        count: N, the number of samples.
        what: How messages call the data, such as "dataset".
    """
    array = np.asarray(labels)
    if not (array.dtype == bool or np.issubdtype(array.dtype, np.number)):
        raise ToolError(f"{what}: expected class indices as labels, got dtype {array.dtype}.")
    if one_hot_columns(array) is not None:
        array = array.argmax(axis=1)
    elif array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (count,):
        raise ToolError(
            f"{what}: expected {count} labels, one class index or one-hot row for each sample, "
            f"got an array of shape {array.shape}."
        )
    wrong = ~np.isfinite(array) | (array < 0) | (array != np.floor(array))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ToolError(
            f"{what}: expected whole numbers from 0 as labels, got {array[first]} for sample "
            f"{first}, and {np.count_nonzero(wrong)} such labels in all."
        )
    return array.astype(np.int64)


def one_hot_columns(labels: Any) -> int | None:
    """How many classes one-hot rows tell apart; None of labels that are none."""
    rows = np.asarray(labels)
    if rows.ndim != 2 or rows.shape[1] < 2 or not np.isin(rows, (0, 1)).all():
        return None
    return int(rows.shape[1]) if (rows.sum(axis=1) == 1).all() else None
