"""Accuracy of .tflite files, and their distance from a reference."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflite_tools.deploy import reference_outputs as keras_outputs
from tflite_tools.errors import ToolError
from tflite_tools.evaluation_report import EvaluationReport
from tflite_tools.interpreter import LiteModel
from tflite_tools.loading import load_keras_model
from tflite_tools.prediction import predict
from tflite_tools.records import EvaluationRecord, ReferenceRecord
from tflite_tools.samples import AnyArray, as_float32
from tflite_tools.scoring import checked_labels, checked_reference, label_figures, scored
from tflite_tools.trial import check_runs

if TYPE_CHECKING:
    import keras

Progress = Callable[[Path, int], None]


def evaluate(
    path: str | os.PathLike[str],
    images: Any,
    labels: Any = None,
    *,
    reference_outputs: Any = None,
    reference: "keras.Model | str | os.PathLike[str] | None" = None,
    num_threads: int = 1,
    workers: int | None = None,
) -> EvaluationRecord:
    """Runs a .tflite file over samples and compares it with labels, with a reference, or both.

    Args:
        path: The .tflite file.
        images: Samples, preprocessed as in training: `(N, ...)` floats of the model's input
            shape. N need not be a multiple of the file's batch size.
        labels: The N class indices.
        reference_outputs: The N outputs of the model that the file was made from, for the
            same samples.
        reference: In place of its outputs, that model: a Keras model, or the path of a `.keras`
            file.
        num_threads: How many threads each interpreter may use.
        workers: How many interpreters share the samples, each on a thread of its own: faster
            than one interpreter with as many threads. None for one on each core.

    Returns:
        An `EvaluationRecord`; what was not asked for is None in it.

    Raises:
        ToolError: The file or the arrays cannot be used; the message says why.
    """
    report = evaluate_files(
        [path],
        images,
        labels,
        reference_outputs=reference_outputs,
        reference=reference,
        num_threads=num_threads,
        workers=workers,
    )
    return report.records[0]


def evaluate_files(
    paths: Iterable[str | os.PathLike[str]],
    images: Any,
    labels: Any = None,
    *,
    reference_outputs: Any = None,
    reference: "keras.Model | str | os.PathLike[str] | None" = None,
    num_threads: int = 1,
    workers: int | None = None,
    source: str = "the given samples",
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Runs several .tflite files over the same samples; `evaluate` describes the arguments.

    Args:
        paths: The .tflite files.
        images: As for `evaluate`.
        labels: As for `evaluate`.
        reference_outputs: As for `evaluate`.
        reference: As for `evaluate`.
        num_threads: As for `evaluate`.
        workers: As for `evaluate`.
        source: What the report calls the samples.
        class_names: What the report calls the classes.
        progress: Called with a file and how many more samples it has done.

    Returns:
        An `EvaluationReport`; `print` shows it as a table.
    """
    if labels is None and reference is None and reference_outputs is None:
        raise ToolError(
            "evaluate: expected labels, a reference (a model or its outputs) or both, got neither."
        )
    if reference is not None and reference_outputs is not None:
        raise ToolError("evaluate: expected a reference or reference_outputs, got both.")
    models = [load_tflite(path, num_threads=num_threads) for path in paths]
    first = _alike(models)
    samples = first.checked(images)
    truth = None if labels is None else checked_labels(labels, len(samples), first.row_shape)
    name, expected = _expected(reference, reference_outputs, samples)
    if expected is not None:
        expected = checked_reference(expected, (len(samples), *first.row_shape), what=name)
    records = tuple(
        scored(
            model.path,
            predict(model, samples, workers=workers, progress=_counter(progress, model.path)),
            output_step=model.output_step,
            labels=truth,
            reference=expected,
        )
        for model in models
    )
    return EvaluationReport(
        records=records,
        reference=None
        if expected is None
        else ReferenceRecord(name, label_figures(expected, truth)),
        source=source,
        class_names=None if class_names is None else tuple(class_names),
    )


def load_tflite(path: str | os.PathLike[str], *, num_threads: int = 1) -> LiteModel:
    """Loads a .tflite file that was tried in a process of its own."""
    check_runs(path)
    return LiteModel(path, num_threads=num_threads)


def _counter(progress: Progress | None, path: Path) -> Callable[[int], None] | None:
    return None if progress is None else partial(progress, path)


def _alike(models: Sequence[LiteModel]) -> LiteModel:
    """The first of some files that take the same samples and answer in the same form."""
    if not models:
        raise ToolError("evaluate: expected one or more .tflite files, got none.")
    first = models[0]
    for other in models[1:]:
        for kind, wanted, got in (
            ("samples", first.sample_shape, other.sample_shape),
            ("outputs", first.row_shape, other.row_shape),
        ):
            if wanted != got:
                raise ToolError(
                    f"{other.path}: expected {kind} of shape {wanted}, as those of {first.path}, "
                    f"got {got}. Evaluate files of different models one by one."
                )
    return first


def _expected(model: Any, outputs: Any, samples: AnyArray) -> tuple[str, Any]:
    """What the report calls the reference, and its outputs."""
    if model is None:
        return "reference_outputs", outputs
    inputs = as_float32(samples)
    if not isinstance(model, str | os.PathLike):
        return model.name, keras_outputs(model, inputs)
    path = Path(model)
    return path.name, keras_outputs(load_keras_model(path), inputs)
