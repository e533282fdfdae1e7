"""Checked outputs → the figures of a record."""

from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools import metrics
from tflite_tools.errors import ToolError
from tflite_tools.records import EvaluationRecord, LabelFigures
from tflite_tools.samples import AnyArray, FloatArray

# With fewer classes top-5 would say little, or nothing.
_TOP_K = 5


def scored(
    path: Path,
    outputs: FloatArray,
    *,
    output_step: float,
    labels: AnyArray | None,
    reference: AnyArray | None,
) -> EvaluationRecord:
    """The record of a file.

    Args:
        path: The .tflite file.
        outputs: Its outputs, a row for each sample.
        output_step: The size of a quantisation step of its outputs; 0 for floats.
        labels: The class indices, or None.
        reference: Outputs of the same shape to compare with, or None.
    """
    _refuse_non_finite(path, outputs)
    by_label = label_figures(outputs, labels, output_step=output_step)
    agreement = largest = mean = changed = worse = None
    if reference is not None:
        largest, mean = metrics.output_difference(outputs, reference)
        if has_classes(outputs):
            choices, before = metrics.chosen(outputs), metrics.chosen(reference)
            agreement = metrics.share_equal(choices, before)
            changed = metrics.changed_choices(choices, before)
            if labels is not None:
                worse = metrics.worse_classes(choices, before, labels)
    return EvaluationRecord(
        file=path,
        samples=len(outputs),
        top1=by_label.top1,
        agreement=agreement,
        max_abs_error=largest,
        mean_abs_error=mean,
        top5=by_label.top5,
        calibration_error=by_label.calibration_error,
        changed=changed,
        worse_classes=worse,
    )


def label_figures(
    outputs: AnyArray, labels: AnyArray | None, *, output_step: float = 0.0
) -> LabelFigures:
    """The figures of a classifier that need labels; without them all are None."""
    if labels is None:
        return LabelFigures(None, None, None)
    likely = metrics.probabilities(outputs, step=output_step)
    return LabelFigures(
        top1=metrics.top_k_accuracy(outputs, labels, 1),
        top5=metrics.top_k_accuracy(outputs, labels, _TOP_K) if outputs.shape[1] > _TOP_K else None,
        calibration_error=None
        if likely is None
        else metrics.expected_calibration_error(likely, labels),
    )


def has_classes(outputs: AnyArray) -> bool:
    """Whether each output is a row of scores, one for each class."""
    return outputs.ndim == 2 and outputs.shape[1] > 1


def checked_labels(labels: Any, count: int, row_shape: tuple[int, ...]) -> AnyArray:
    """Class indices that fit the outputs `(count, *row_shape)`."""
    array = np.asarray(labels)
    if len(row_shape) != 1 or row_shape[0] < 2:
        raise ToolError(
            f"labels: expected a classifier with outputs (N, classes), got {(count, *row_shape)}."
        )
    if array.shape != (count,) or not np.issubdtype(array.dtype, np.integer):
        raise ToolError(
            f"labels: expected {count} class indices, one for each sample, got an array of "
            f"shape {array.shape} and type {array.dtype}."
        )
    classes = row_shape[0]
    if array.min() < 0 or array.max() >= classes:
        raise ToolError(
            f"labels: expected class indices from 0 to {classes - 1}, got values from "
            f"{array.min()} to {array.max()}."
        )
    return array


def checked_reference(reference: Any, shape: tuple[int, ...], *, what: str) -> AnyArray:
    """Reference outputs as float64, of the shape of the outputs that they are for."""
    array = np.asarray(reference, dtype=np.float64)
    if array.shape != shape:
        raise ToolError(
            f"{what}: expected shape {shape}, one output for each sample, got {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ToolError(f"{what}: NaN or infinity among them.")
    return array


def _refuse_non_finite(path: Path, outputs: FloatArray) -> None:
    bad = int(np.count_nonzero(~np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)))
    if bad:
        raise ToolError(
            f"{path}: NaN or infinity in the outputs for {bad} of {len(outputs)} samples. "
            "A weight or an activation exceeds the precision's range, or is NaN itself."
        )
