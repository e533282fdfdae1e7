import numpy as np
import pytest

from tflite_tools.errors import ToolError
from tflite_tools.labels import class_indices


@pytest.mark.parametrize(
    "labels",
    [
        [2, 0, 1],
        np.array([2, 0, 1], "uint8"),
        np.array([2.0, 0.0, 1.0]),
        np.array([[2], [0], [1]]),
        np.eye(3)[[2, 0, 1]],
        np.eye(4)[[2, 0, 1]].astype(bool),
    ],
    ids=["list", "uint8", "float", "column", "one-hot", "one-hot bool"],
)
def test_every_form_of_class_indices(labels):
    indices = class_indices(labels, 3, what="dataset")
    assert indices.dtype == np.int64
    assert indices.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b", "c"], "dataset: expected class indices as labels, got dtype <U1"),
        ([1, 2], r"expected 3 labels, one class index or one-hot row .* shape \(2,\)"),
        (np.full((3, 4), 0.25), r"of shape \(3, 4\)"),
        (np.zeros((3, 4)), r"of shape \(3, 4\)"),
        ([0, -1, -2], "whole numbers from 0 as labels, got -1 for sample 1, and 2 such"),
        ([0.5, 1, 2], "got 0.5 for sample 0, and 1 such"),
        ([0, 1, np.nan], "got nan for sample 2"),
        ([0, 1, np.inf], "got inf for sample 2"),
    ],
)
def test_what_is_no_class_index(labels, message):
    with pytest.raises(ToolError, match=message):
        class_indices(labels, 3, what="dataset")
