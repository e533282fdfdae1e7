"""Accuracy of .tflite files, and their distance from a reference."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflite_tools.deploy import reference_outputs as keras_outputs
from tflite_tools.errors import ToolError
from tflite_tools.evaluation_report import EvaluationReport
from tflite_tools.evaluation_run import Ran, runner_for
from tflite_tools.feeding import Feeding, common_feeding, file_feeding
from tflite_tools.integrity import check_unchanged
from tflite_tools.interpreter import LiteModel, read_tflite
from tflite_tools.loading import load_keras_model
from tflite_tools.paths import checked_paths
from tflite_tools.prediction import Prepare
from tflite_tools.progress import Progress, counter
from tflite_tools.records import EvaluationRecord, ReferenceRecord
from tflite_tools.samples import AnyArray, as_float32
from tflite_tools.scoring import checked_labels, checked_reference, label_figures, scored
from tflite_tools.trial import check_runs

if TYPE_CHECKING:
    import keras


def evaluate(
    path: str | os.PathLike[str],
    images: Any,
    labels: Any = None,
    *,
    reference_outputs: Any = None,
    reference: "keras.Model | str | os.PathLike[str] | None" = None,
    num_threads: int = 1,
    workers: int | None = None,
    delegate: str = "cpu",
) -> EvaluationRecord:
    """Runs a .tflite file over samples and compares it with labels, with a reference, or both.

    Args:
        path: The .tflite file.
        images: Samples, preprocessed as in training: `(N, ...)` floats of the model's input
            shape; pixels from 0 to 255 if the preprocessing is part of the file. N need not be a
            multiple of the file's batch size.
        labels: The N class indices.
        reference_outputs: The N outputs of the model that the file was made from, for the
            same samples.
        reference: In place of its outputs, that model: a Keras model, or the path of a `.keras`
            file.
        num_threads: How many threads each interpreter may use.
        workers: How many interpreters share the samples, each on a thread of its own: faster
            than one interpreter with as many threads. None for one on each core.
        delegate: "cpu", or "gpu" for LiteRT's GPU path alone, as in `run_on_gpu`. The record then
            also says which GPU that is, and how its outputs differ from the CPU's.

    Returns:
        An `EvaluationRecord`; what was not asked for is None in it.

    Raises:
        ToolError: The file or the arrays cannot be used, or the GPU does not take the file; the
            message says why.
    """
    report = evaluate_models(
        load_models([path], num_threads=num_threads),
        images,
        labels,
        reference_outputs=reference_outputs,
        reference=reference,
        workers=workers,
        delegate=delegate,
    )
    return report.records[0]


def evaluate_models(
    models: Sequence[LiteModel],
    images: Any,
    labels: Any = None,
    *,
    reference_outputs: Any = None,
    reference: "keras.Model | str | os.PathLike[str] | None" = None,
    workers: int | None = None,
    delegate: str = "cpu",
    source: str = "the given samples",
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Runs several files over the same samples; `evaluate` describes the arguments.

    Args:
        models: The files, from `load_models`.
        images: As for `evaluate`.
        labels: As for `evaluate`.
        reference_outputs: As for `evaluate`.
        reference: As for `evaluate`.
        workers: As for `evaluate`.
        delegate: As for `evaluate`.
        source: What the report calls the samples.
        class_names: What the report calls the classes.
        progress: Called with a file, how many samples it has done, and how many there are.
    """
    if labels is None and reference is None and reference_outputs is None:
        raise ToolError(
            "evaluate: expected labels, a reference (a model or its outputs) or both, got neither."
        )
    if reference is not None and reference_outputs is not None:
        raise ToolError("evaluate: expected a reference or reference_outputs, got both.")
    run = runner_for(delegate, workers=workers)
    row_shape = models[0].row_shape
    feeding = common_feeding({model.path: model.content for model in models})
    samples = feeding.checked(models[0].checked(images), what="images")
    truth = None if labels is None else checked_labels(labels, len(samples), row_shape)
    name, expected = _expected(reference, reference_outputs, samples, feeding, progress)
    if expected is not None:
        expected = checked_reference(expected, (len(samples), *row_shape), what=name)
    records = tuple(
        _record(model, run(model, samples, _preparation(model, feeding), progress), truth, expected)
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


def _record(
    model: LiteModel, ran: Ran, labels: AnyArray | None, reference: AnyArray | None
) -> EvaluationRecord:
    record = scored(
        model.path,
        ran.outputs,
        output_step=model.output_step,
        labels=labels,
        reference=reference,
    )
    return replace(record, accelerator=ran.accelerator)


def load_models(
    paths: Iterable[str | os.PathLike[str]], *, num_threads: int = 1
) -> list[LiteModel]:
    """Loads .tflite files that take the same samples and answer in the same form.

    Each is first tried in a process of its own, which a damaged file may end.
    """
    models = []
    for path in checked_paths(paths, what=".tflite files"):
        check_unchanged(path, read_tflite(path))
        check_runs(path)
        models.append(LiteModel(path, num_threads=num_threads))
    for model in models[1:]:
        _check_alike(models[0], model)
    return models


def _check_alike(first: LiteModel, other: LiteModel) -> None:
    for kind, wanted, got in (
        ("samples", first.sample_shape, other.sample_shape),
        ("outputs", first.row_shape, other.row_shape),
    ):
        if wanted != got:
            raise ToolError(
                f"{other.path}: expected {kind} of shape {wanted}, as those of {first.path}, "
                f"got {got}. Evaluate files of different models one by one."
            )


def _preparation(model: LiteModel, feeding: Feeding) -> Prepare | None:
    """What the samples undergo for a file that takes none of the pixels that others take."""
    own = file_feeding(model.content)
    takes_pixels = own is not None and own.included
    return feeding.for_keras if feeding.included and not takes_pixels else None


def _expected(
    model: Any, outputs: Any, samples: AnyArray, feeding: Feeding, progress: Progress | None
) -> tuple[str, Any]:
    """What the report calls the reference, and its outputs."""
    if model is None:
        return "reference_outputs", outputs
    loaded, name = model, getattr(model, "name", "reference")
    if isinstance(model, str | os.PathLike):
        loaded, name = load_keras_model(Path(model)), Path(model).name
    elif not hasattr(model, "outputs"):
        raise ToolError(
            "reference: expected a Keras model or the path of a .keras file, got a value of type "
            f"{type(model).__name__}."
        )
    count = counter(progress, Path(name), len(samples)) or (lambda done: None)
    count(0)
    answers = keras_outputs(loaded, feeding.for_keras(as_float32(samples)))
    count(len(samples))
    return name, answers
