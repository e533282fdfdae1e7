import sys

import keras
import numpy as np
import pytest

from tflite_tools import convert, evaluate, metrics
from tflite_tools.errors import ToolError
from tflite_tools.evaluation import evaluate_models, load_models
from tflite_tools.metrics import expected_calibration_error
from tflite_tools.records import ChangedChoice, WorseClass


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
    assert (record.changed, record.worse_classes, record.top5) == (None, None, None)
    compared = evaluate(files["int8"], samples, reference_outputs=expected)
    assert (compared.top1, compared.calibration_error, compared.worse_classes) == (None,) * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"expected labels, a reference \(a model or its outputs\) or both, got neither"),
        ({"reference": "m.keras", "reference_outputs": [0]}, "a reference or .*, got both"),
        ({"reference": "m.keras"}, "m.keras: no such file"),
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


def test_the_reference_may_be_a_model_or_its_file(files, samples, expected, model, keras_file):
    by_outputs = evaluate(files["int8"], samples, reference_outputs=expected)
    for reference in (model, keras_file, str(keras_file)):
        record = evaluate(files["int8"], samples, reference=reference)
        assert record.agreement == by_outputs.agreement
        assert record.changed == by_outputs.changed
        assert record.max_abs_error == pytest.approx(by_outputs.max_abs_error, abs=1e-5)


def test_what_changed_and_what_got_worse(files, samples, expected):
    """The reference differs from the file in three samples that were planted."""
    choices = evaluate_models(load_models([files["float32"]]), samples, reference_outputs=expected)
    assert choices.records[0].changed == ()
    labels, reference = expected.argmax(-1), expected.copy()
    zeros, ones = np.flatnonzero(labels == 0)[:2], np.flatnonzero(labels == 1)[:1]
    reference[zeros] = np.eye(5)[4]
    reference[ones] = np.eye(5)[3]
    truth = labels.copy()
    truth[zeros], truth[ones] = 4, 3
    record = evaluate(files["float32"], samples, truth, reference_outputs=reference)
    assert record.changed == (ChangedChoice(4, 0, 2), ChangedChoice(3, 1, 1))
    fours, threes = np.count_nonzero(truth == 4), np.count_nonzero(truth == 3)
    assert record.worse_classes == (
        WorseClass(4, fours, fours, fours - 2),
        WorseClass(3, threes, threes, threes - 1),
    )
    assert (record.top1, record.agreement) == (pytest.approx(0.94), pytest.approx(0.94))


def test_calibration_error_of_a_softmax_and_of_int8(files, samples, expected):
    labels = (expected.argmax(-1) + (np.arange(50) % 3 == 0)) % 5
    of_float = evaluate(files["float32"], samples, labels).calibration_error
    exact = expected_calibration_error(expected.astype("float64"), labels)
    assert of_float == pytest.approx(exact, abs=1e-5)
    assert evaluate(files["int8"], samples, labels).calibration_error == pytest.approx(
        exact, abs=0.1
    )


def test_probabilities_are_told_by_the_files_own_steps(files, samples, expected, monkeypatch):
    steps = []
    monkeypatch.setattr(metrics, "probabilities", lambda _, *, step: steps.append(step))
    for precision in ("float32", "int8"):
        record = evaluate(files[precision], samples, expected.argmax(-1))
        assert record.calibration_error is None
    assert steps == [0, 1 / 256]


def test_several_files_side_by_side(files, samples, expected):
    seen = []
    report = evaluate_models(
        load_models(files.values()),
        samples,
        expected.argmax(-1),
        reference_outputs=expected,
        workers=2,
        source="somewhere",
        class_names="abcde",
        progress=lambda *call: seen.append(call),
    )
    assert [record.file for record in report.records] == list(files.values())
    for record in report.records:
        assert record == evaluate(
            record.file, samples, expected.argmax(-1), reference_outputs=expected
        )
        assert [call for call in seen if call[0] == record.file][-1] == (record.file, 50, 50)
    assert report.reference.name == "reference_outputs"
    assert report.reference.figures.top1 == 1
    assert (report.source, report.class_names) == ("somewhere", tuple("abcde"))


def test_files_of_different_models_are_refused(files, feature_file):
    with pytest.raises(ToolError, match=r"features_float32\.tflite: expected samples of shape"):
        load_models([files["int8"], feature_file])
    with pytest.raises(ToolError, match=r"\.tflite files: expected one or more, got none"):
        load_models([])


def test_a_damaged_file_is_tried_before_it_is_loaded(files, samples, tmp_path, monkeypatch):
    def refuse(path):
        raise ToolError("tried")

    monkeypatch.setattr(sys.modules[evaluate.__module__], "check_runs", refuse)
    with pytest.raises(ToolError, match="tried"):
        evaluate(files["int8"], samples, np.zeros(50, int))


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
