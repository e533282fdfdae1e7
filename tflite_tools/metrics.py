"""Figures that compare a classifier's outputs with labels and with a reference.

Scores are `(samples, classes)`. Where several classes have the same score, as int8 outputs often
do, the one with the lowest index stands first, in every figure.
"""

from typing import Any

import numpy as np

from tflite_tools.records import ChangedChoice, WorseClass

Array = np.ndarray[Any, np.dtype[Any]]

# The number of bins of Guo et al. 2017, which most published figures use.
CALIBRATION_BINS = 15
# How far a sum of float16 probabilities may be from 1.
_SUM_TOLERANCE = 1e-2


def chosen(scores: Array) -> Array:
    """The class with the highest score, for each sample: `(samples,)`."""
    return scores.argmax(axis=1)


def top_k_accuracy(scores: Array, labels: Array, k: int) -> float:
    """The share of samples whose label is among the k classes with the highest scores."""
    own = np.take_along_axis(scores, labels[:, np.newaxis], axis=1)
    earlier = np.arange(scores.shape[1]) < labels[:, np.newaxis]
    before = (scores > own) | ((scores == own) & earlier)
    return float(np.mean(before.sum(axis=1) < k))


def share_equal(first: Array, second: Array) -> float:
    """The share of positions at which two arrays of classes are the same."""
    return float(np.mean(first == second))


def output_difference(outputs: Array, reference: Array) -> tuple[float, float]:
    """The largest and the mean absolute difference of two arrays of outputs."""
    difference = np.abs(outputs.astype(np.float64) - reference)
    return float(difference.max()), float(difference.mean())


def probabilities(scores: Array, *, step: float = 0.0) -> Array | None:
    """The scores as probabilities of classes that exclude each other.

    Rows of values from 0 to 1 that sum to 1 are probabilities as they are. Rows with a value
    outside are logits, and the softmax is taken. Values from 0 to 1 that sum to something else,
    such as those of independent sigmoids, are neither.

    Args:
        scores: `(samples, classes)`.
        step: The size of a quantisation step of the scores; 0 for floats.

    Returns:
        The probabilities in float64, `(samples, classes)`, or None.
    """
    wide = scores.astype(np.float64)
    if wide.min() < -step or wide.max() > 1 + step + _SUM_TOLERANCE:
        shifted = np.exp(wide - wide.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
    rounding = step / 2 * wide.shape[1]
    off = np.abs(wide.sum(axis=1) - 1)
    return wide if off.max() <= _SUM_TOLERANCE + rounding else None


def expected_calibration_error(probabilities: Array, labels: Array) -> float:
    """How far the confidence of the first choice is from its accuracy, on average.

    The samples are sorted by confidence into `CALIBRATION_BINS` bins of equal width,
    `((m − 1)/M, m/M]`. Source: Guo et al. 2017 (arXiv 1706.04599), equation 3:
    `ECE = Σ_m |B_m| / n · |accuracy(B_m) − confidence(B_m)|`.
    """
    confidence = probabilities.max(axis=1)
    right = chosen(probabilities) == labels
    last = CALIBRATION_BINS - 1
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, last)
    gaps = np.bincount(bins, weights=right - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def changed_choices(choices: Array, reference: Array) -> tuple[ChangedChoice, ...]:
    """Which class became which where two models choose differently, the most frequent first."""
    differ = choices != reference
    pairs, counts = np.unique(
        np.stack([reference[differ], choices[differ]], axis=1), axis=0, return_counts=True
    )
    changes = [
        ChangedChoice(int(before), int(after), int(count))
        for (before, after), count in zip(pairs, counts, strict=True)
    ]
    return tuple(sorted(changes, key=lambda change: -change.count))


def worse_classes(choices: Array, reference: Array, labels: Array) -> tuple[WorseClass, ...]:
    """The true classes of which fewer samples are found than by the reference, the worst first."""
    classes = int(max(labels.max(), choices.max(), reference.max())) + 1
    samples = np.bincount(labels, minlength=classes)
    found = np.bincount(labels[choices == labels], minlength=classes)
    found_before = np.bincount(labels[reference == labels], minlength=classes)
    worse = [
        WorseClass(label, int(samples[label]), int(found_before[label]), int(found[label]))
        for label in np.flatnonzero(found < found_before).tolist()
    ]
    return tuple(sorted(worse, key=lambda record: record.found - record.found_by_reference))
