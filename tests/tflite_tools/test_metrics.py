"""Every figure against a loop over samples, on scores with ties as int8 outputs have them."""

import math
from collections import Counter

import numpy as np
import pytest

from tflite_tools import metrics
from tflite_tools.records import ChangedChoice, WorseClass


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(0).integers(0, 8, 400)


@pytest.fixture(scope="module")
def scores(labels):
    """Probabilities in steps of 1/16, which tie often; a third of the first choices are right."""
    rng = np.random.default_rng(1)
    raw = rng.gamma(0.3, size=(400, 8))
    raw[np.arange(400), labels] += rng.gamma(0.5, size=400)
    return np.round(16 * raw / raw.sum(axis=1, keepdims=True)) / 16


@pytest.fixture(scope="module")
def reference(scores):
    noise = np.random.default_rng(2).normal(scale=0.05, size=scores.shape)
    return scores + noise


def ranked(row):
    """The classes from the highest score to the lowest; the lower index first among equals."""
    return sorted(range(len(row)), key=lambda index: (-row[index], index))


def test_the_scores_tie(scores):
    assert sum(np.count_nonzero(row == row.max()) > 1 for row in scores) > 20


@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_top_k(scores, labels, k):
    found = [label in ranked(row)[:k] for row, label in zip(scores, labels, strict=True)]
    assert metrics.top_k_accuracy(scores, labels, k) == sum(found) / 400
    assert (sum(found) == 400) == (k == 8)


def test_top_1_is_the_chosen_class(scores, labels):
    assert metrics.chosen(scores).tolist() == [ranked(row)[0] for row in scores]
    top1 = metrics.share_equal(metrics.chosen(scores), labels)
    assert metrics.top_k_accuracy(scores, labels, 1) == top1


def test_a_tie_goes_to_the_lowest_index():
    tied = np.full((3, 4), 0.25)
    assert metrics.chosen(tied).tolist() == [0, 0, 0]
    assert metrics.top_k_accuracy(tied, np.array([0, 1, 2]), 2) == pytest.approx(2 / 3)


def test_output_difference(scores, reference):
    largest, mean = metrics.output_difference(scores.astype("float32"), reference)
    differences = [abs(float(a) - b) for a, b in zip(scores.flat, reference.flat, strict=True)]
    assert largest == pytest.approx(max(differences), rel=1e-12)
    assert mean == pytest.approx(math.fsum(differences) / len(differences), rel=1e-12)


def test_calibration_error(scores, labels):
    """Guo et al. 2017, equation 3, by its words."""
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    bins = {m: [] for m in range(1, 16)}
    for row, label in zip(probabilities, labels, strict=True):
        confidence = max(row)
        (m,) = (m for m in bins if (m - 1) / 15 < confidence <= m / 15)
        bins[m].append((ranked(row)[0] == label, confidence))
    expected = 0
    for found in filter(None, bins.values()):
        accuracy, confidence = np.mean(found, axis=0)
        expected += len(found) / 400 * abs(accuracy - confidence)
    assert expected > 0.01
    error = metrics.expected_calibration_error(probabilities, labels)
    assert error == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("confidence", "right", "expected"),
    [(1.0, [True] * 4, 0.0), (1.0, [False] * 4, 1.0), (0.8, [True, True, True, False], 0.05)],
)
def test_calibration_error_of_one_bin(confidence, right, expected):
    rows = np.tile([confidence, 1 - confidence], (4, 1))
    labels = np.where(right, 0, 1)
    error = metrics.expected_calibration_error(rows, labels)
    assert error == pytest.approx(expected, abs=1e-12)


def test_too_sure_and_not_sure_enough_do_not_cancel():
    rows = np.array([[0.8, 0.2]] * 2 + [[0.6, 0.4]] * 2)
    error = metrics.expected_calibration_error(rows, np.array([0, 0, 0, 1]))
    assert error == pytest.approx(0.5 * 0.2 + 0.5 * 0.1, abs=1e-12)


def test_logits_become_probabilities():
    logits = np.array([[1000.0, 999.0, -1000.0], [0.0, 0.0, 0.0]])
    odds = math.exp(1)
    expected = [[odds / (1 + odds), 1 / (1 + odds), 0], [1 / 3] * 3]
    np.testing.assert_allclose(metrics.probabilities(logits), expected, rtol=1e-12)


def test_probabilities_stay_as_they_are():
    rows = np.array([[0.7, 0.2999], [0.5, 0.5]], "float32")
    np.testing.assert_array_equal(metrics.probabilities(rows), rows)


def test_rounding_to_int8_leaves_probabilities():
    """A thousand classes in steps of 1/256: most are rounded to zero and the sum is far from 1."""
    exact = np.random.default_rng(0).dirichlet(np.full(1000, 0.1), size=20)
    rounded = np.round(exact * 256) / 256
    assert np.abs(rounded.sum(axis=1) - 1).max() > 0.05
    np.testing.assert_array_equal(metrics.probabilities(rounded, step=1 / 256), rounded)
    assert metrics.probabilities(rounded) is None
    rounded_up = np.full((1, 100), 1 / 64)  # 0.01 in steps of 1/64
    assert metrics.probabilities(rounded_up, step=1 / 64) is not None
    assert metrics.probabilities(rounded_up, step=1 / 256) is None


def test_independent_sigmoids_are_no_probabilities():
    assert metrics.probabilities(np.array([[0.9, 0.8], [0.1, 0.2]])) is None


def test_changed_choices(scores, reference):
    choices, before = metrics.chosen(scores), metrics.chosen(reference)
    changed = metrics.changed_choices(choices, before)
    expected = Counter((b, a) for a, b in zip(choices, before, strict=True) if a != b)
    assert len(expected) > 10
    assert {(c.reference_class, c.file_class): c.count for c in changed} == expected
    order = [(-c.count, c.reference_class, c.file_class) for c in changed]
    assert order == sorted(order)


def test_worse_classes(scores, reference, labels):
    choices, before = metrics.chosen(scores), metrics.chosen(reference)
    expected = []
    for label in range(8):
        own = labels == label
        found = int(np.sum(choices[own] == label))
        found_before = int(np.sum(before[own] == label))
        if found < found_before:
            expected.append(WorseClass(label, int(own.sum()), found_before, found))
    worse = metrics.worse_classes(choices, before, labels)
    assert 0 < len(expected) < 8
    assert sorted(worse, key=lambda record: record.label) == expected
    losses = [record.found - record.found_by_reference for record in worse]
    assert losses == sorted(losses)


def test_nothing_changed():
    same = np.array([0, 2, 1])
    assert metrics.changed_choices(same, same) == ()
    assert metrics.worse_classes(same, same, np.array([0, 1, 2])) == ()
    swapped = metrics.changed_choices(np.array([1, 1, 0]), np.array([0, 0, 0]))
    assert swapped == (ChangedChoice(0, 1, 2),)
