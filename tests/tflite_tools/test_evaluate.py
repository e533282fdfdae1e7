import keras
import numpy as np
import pytest

from tflite_tools import convert, evaluate
from tflite_tools.errors import ToolError


def test_against_labels_and_reference(files, samples, expected):
    labels = expected.argmax(-1)
    labels[:5] = (labels[:5] + 1) % 5
    reference = expected.copy()
    reference[3] = np.roll(reference[3], 1)
    record = evaluate(files["float32"], samples, labels, reference_outputs=reference)
    assert record.file == files["float32"]
    assert record.samples == 50
    assert record.top1 == pytest.approx(0.9)
    assert record.agreement == pytest.approx(0.98)
    error = np.abs(np.roll(expected[3], 1) - expected[3])
    assert record.max_abs_error == pytest.approx(error.max(), abs=1e-5)
    assert record.mean_abs_error == pytest.approx(error.sum() / reference.size, abs=1e-6)


def test_what_was_not_asked_for_is_none(files, samples, expected):
    record = evaluate(files["int8"], samples, expected.argmax(-1))
    assert record.top1 >= 0.9
    assert (record.agreement, record.max_abs_error, record.mean_abs_error) == (None, None, None)
    assert evaluate(files["int8"], samples, reference_outputs=expected).top1 is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected labels, reference_outputs or both, got neither"),
        ({"labels": np.zeros(3, int)}, r"labels: expected 50 class indices.*shape \(3,\)"),
        ({"labels": np.zeros(50)}, "labels: expected 50 class indices.*float64"),
        ({"labels": np.zeros((50, 5), int)}, r"shape \(50, 5\)"),
        ({"labels": np.full(50, 5)}, "class indices from 0 to 4, got values from 5 to 5"),
        ({"reference_outputs": np.zeros((50, 4))}, r"expected shape \(50, 5\).*got \(50, 4\)"),
        ({"reference_outputs": np.full((50, 5), np.nan)}, "reference_outputs: NaN"),
    ],
)
def test_wrong_arguments(files, samples, arguments, message):
    with pytest.raises(ToolError, match=message):
        evaluate(files["float32"], samples, **arguments)


@pytest.fixture(scope="module")
def feature_file(tmp_path_factory):
    """A model whose outputs are not classes, and can overflow."""
    vector = keras.Input((4,))
    features = keras.layers.Dense(6, kernel_initializer="ones")(vector)
    model = keras.Model(vector, keras.layers.Reshape((2, 3))(features), name="features")
    report = convert(model, tmp_path_factory.mktemp("features"))
    return report.records[0].file


def test_outputs_that_are_not_classes_have_errors_but_no_agreement(feature_file):
    record = evaluate(feature_file, np.ones((3, 4)), reference_outputs=np.full((3, 2, 3), 4.5))
    assert record.agreement is None
    assert record.max_abs_error == pytest.approx(0.5)
    with pytest.raises(ToolError, match=r"expected a classifier .* got \(3, 2, 3\)"):
        evaluate(feature_file, np.ones((3, 4)), np.zeros(3, int))


def test_outputs_that_are_not_finite_are_refused(feature_file):
    samples = np.ones((3, 4))
    samples[1] = 3e38
    with pytest.raises(ToolError, match="NaN or infinity in the outputs for 1 of 3 samples"):
        evaluate(feature_file, samples, reference_outputs=np.zeros((3, 2, 3)))
