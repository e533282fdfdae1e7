import numpy as np
import pytest

from tflite_tools.class_names import by_name
from tflite_tools.datasets import LabelledSamples
from tflite_tools.errors import ToolError

NAMES = ("cat", "dog", "emu")


def data_set(names, labels=(0, 1, 1, 0)):
    labels = None if labels is None else np.array(labels)
    return LabelledSamples(np.zeros((4, 2), "float32"), labels, names, "pets/")


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("cat", "dog", "emu"), [0, 1, 1, 0]),
        (("emu", "cat", "dog"), [2, 0, 0, 2]),
        (("dog", "emu"), [1, 2, 2, 1]),
    ],
)
def test_names_that_the_model_has_decide(names, labels):
    aligned = by_name(data_set(names), NAMES)
    assert aligned.labels.tolist() == labels
    assert aligned.class_names == NAMES


@pytest.mark.parametrize("names", [("n01", "n02", "n03"), ("cat", "dog", "ostrich"), None])
def test_other_names_leave_the_indices(names):
    given = data_set(names)
    assert by_name(given, NAMES) is given


def test_nothing_to_compare():
    for given, names in ((data_set(NAMES), None), (data_set(NAMES, labels=None), NAMES)):
        assert by_name(given, names) is given


def test_another_order_with_unknown_names_is_refused():
    message = "pets/: expected .* got dog as class 0, which is class 1 .* ostrich among them"
    with pytest.raises(ToolError, match=message):
        by_name(data_set(("dog", "cat", "ostrich")), NAMES)
