"""Accuracy of a .tflite file, and its distance from reference outputs."""

import os
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel
from tflite_tools.records import EvaluationRecord
from tflite_tools.samples import FloatArray


def evaluate(
    path: str | os.PathLike[str],
    images: Any,
    labels: Any = None,
    *,
    reference_outputs: Any = None,
    num_threads: int = 2,
) -> EvaluationRecord:
    """Runs a .tflite file over samples and compares it with labels, with a reference, or both.

    Args:
        path: The .tflite file.
        images: Samples, preprocessed as in training: `(N, ...)` floats of the model's input
            shape. N need not be a multiple of the file's batch size.
        labels: The N class indices.
        reference_outputs: The N outputs of the model that the file was made from, for the
            same samples.
        num_threads: How many threads the interpreter may use.

    Returns:
        An `EvaluationRecord`; what was not asked for is None in it.

    Raises:
        ToolError: The file or the arrays cannot be used; the message says why.
    """
    if labels is None and reference_outputs is None:
        raise ToolError("evaluate: expected labels, reference_outputs or both, got neither.")
    model = LiteModel(path, num_threads=num_threads)
    outputs = _checked_outputs(model, images)
    top1 = None if labels is None else _top1(outputs, np.asarray(labels))
    agreement = max_abs_error = mean_abs_error = None
    if reference_outputs is not None:
        reference = _checked_reference(reference_outputs, outputs)
        error = np.abs(outputs.astype(np.float64) - reference)
        max_abs_error, mean_abs_error = float(error.max()), float(error.mean())
        if _has_classes(outputs):
            agreement = _share_equal(outputs.argmax(-1), reference.argmax(-1))
    return EvaluationRecord(
        model.path, len(outputs), top1, agreement, max_abs_error, mean_abs_error
    )


def _checked_outputs(model: LiteModel, images: Any) -> FloatArray:
    outputs = model.predict(images)
    bad = int(np.count_nonzero(~np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)))
    if bad:
        raise ToolError(
            f"{model.path}: NaN or infinity in the outputs for {bad} of {len(outputs)} samples. "
            "A weight or an activation exceeds the precision's range, or is NaN itself."
        )
    return outputs


def _top1(outputs: FloatArray, labels: np.ndarray[Any, Any]) -> float:
    if not _has_classes(outputs):
        raise ToolError(
            f"labels: expected a classifier with outputs (N, classes), got {outputs.shape}."
        )
    if labels.shape != (len(outputs),) or not np.issubdtype(labels.dtype, np.integer):
        raise ToolError(
            f"labels: expected {len(outputs)} class indices, one for each sample, got an array of "
            f"shape {labels.shape} and type {labels.dtype}."
        )
    classes = outputs.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ToolError(
            f"labels: expected class indices from 0 to {classes - 1}, got values from "
            f"{labels.min()} to {labels.max()}."
        )
    return _share_equal(outputs.argmax(-1), labels)


def _checked_reference(reference: Any, outputs: FloatArray) -> np.ndarray[Any, Any]:
    array = np.asarray(reference, dtype=np.float64)
    if array.shape != outputs.shape:
        raise ToolError(
            f"reference_outputs: expected shape {outputs.shape}, one output for each sample, got "
            f"{array.shape}."
        )
    if not np.isfinite(array).all():
        raise ToolError("reference_outputs: NaN or infinity among them.")
    return array


def _has_classes(outputs: FloatArray) -> bool:
    return outputs.ndim == 2 and outputs.shape[1] > 1


def _share_equal(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    return float(np.mean(first == second))
