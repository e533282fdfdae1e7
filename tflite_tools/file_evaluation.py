"""Several .tflite files on a data set, with the gates that a release has to pass."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflite_tools.class_names import by_name
from tflite_tools.datasets import LabelledSamples, check_classes, check_source, load_labelled
from tflite_tools.errors import ToolError
from tflite_tools.evaluation import evaluate_models, load_models
from tflite_tools.evaluation_report import EvaluationReport
from tflite_tools.evaluation_run import runner_for
from tflite_tools.feeding import common_feeding
from tflite_tools.gates import check_share, gate_results
from tflite_tools.interpreter import LiteModel
from tflite_tools.loading import check_keras_file
from tflite_tools.metadata import read_metadata
from tflite_tools.progress import Progress

if TYPE_CHECKING:
    import keras


def evaluate_files(
    files: Iterable[str | os.PathLike[str]],
    dataset: Any,
    *,
    split: str | None = None,
    reference: "keras.Model | str | os.PathLike[str] | None" = None,
    samples: int | None = None,
    preprocessing: str | None = None,
    workers: int | None = None,
    min_accuracy: float | None = None,
    min_agreement: float | None = None,
    min_delegate_agreement: float | None = None,
    skip_unreadable: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
    delegate: str = "cpu",
    progress: Progress | None = None,
) -> EvaluationReport:
    """Runs .tflite files over a data set and sets their figures side by side.

    Args:
        files: The .tflite files of one model.
        dataset: A folder with a sub-folder of images for each class, an `.npy` or `.npz` file,
            the name of a prepared TFDS data set, or arrays or iterables as for `convert`.
        split: The split of the data set, where it has several.
        reference: The Keras model that the files were made from, or its `.keras` file.
        samples: At most so many samples, evenly spread; None for all.
        preprocessing: What the images that the model was trained on had undergone: "torch" (as
            `keras_finet.preprocess_input`), "tf" (-1 to 1), "unit" (0 to 1) or "none" (0 to 255).
            By default what the files say, and "torch" where they say nothing.
        workers: How many interpreters share the samples; None for one on each core.
        min_accuracy: The share of samples whose label every file has to find.
        min_agreement: The share of samples on which every file has to choose the reference's
            class.
        min_delegate_agreement: The share of samples on which every file has to choose the same
            class on the delegate as on the CPU.
        skip_unreadable: Whether to leave out images that cannot be read.
        data_dir: Where TFDS data sets are.
        delegate: "cpu", or "gpu": all figures are then those of LiteRT's GPU path alone, as in
            `run_on_gpu`, and each record says how they differ from the CPU's.
        progress: Called with a file, how many samples it has done, and how many there are.

    Returns:
        An `EvaluationReport`; `print` shows it as tables, its `gates` say which file passed.

    Raises:
        ToolError: Something given cannot be used; the message says what and what to do.
    """
    if min_agreement is not None and reference is None:
        raise ToolError("min_agreement: needs a reference to agree with, got none.")
    check_share(min_accuracy, "min_accuracy")
    check_share(min_agreement, "min_agreement")
    check_share(min_delegate_agreement, "min_delegate_agreement")
    if min_delegate_agreement is not None and delegate == "cpu":
        raise ToolError("min_delegate_agreement: needs a delegate such as gpu, got cpu.")
    runner_for(delegate)  # refuses what is wrong before anything is loaded
    as_said = "torch" if preprocessing is None else preprocessing
    check_source(dataset, what="dataset", limit=samples, preprocessing=as_said)
    if isinstance(reference, str | os.PathLike):
        check_keras_file(Path(reference))
    models = load_models(files)
    if min_delegate_agreement is not None and len(models[0].row_shape) != 1:
        raise ToolError(
            "min_delegate_agreement: needs a classifier with outputs (N, classes), got outputs "
            f"(N, {', '.join(map(str, models[0].row_shape))})."
        )
    contents = {model.path: model.content for model in models}
    labelled = load_labelled(
        dataset,
        models[0].sample_shape,
        split=split,
        limit=samples,
        preprocessing=common_feeding(contents, preprocessing).of_images,
        skip_unreadable=skip_unreadable,
        data_dir=data_dir,
    )
    _check_labels(labelled, reference, min_accuracy)
    names = _class_names(models)
    labelled = by_name(labelled, names)
    if len(models[0].row_shape) == 1:
        check_classes(labelled, models[0].row_shape[0])
    report = evaluate_models(
        models,
        labelled.samples,
        labelled.labels,
        reference=reference,
        workers=workers,
        delegate=delegate,
        source=_source(labelled),
        class_names=labelled.class_names or names,
        progress=progress,
    )
    gates = gate_results(
        report.records,
        min_accuracy=min_accuracy,
        min_agreement=min_agreement,
        min_delegate_agreement=min_delegate_agreement,
    )
    return replace(report, gates=gates)


def _check_labels(labelled: LabelledSamples, reference: Any, min_accuracy: float | None) -> None:
    if labelled.labels is not None:
        return
    if min_accuracy is not None:
        raise ToolError(f"min_accuracy: needs labels, and {labelled.source} has none.")
    if reference is None:
        raise ToolError(
            f"{labelled.source}: has no labels, and there is no reference. Give a data set with "
            "labels (a folder with a sub-folder for each class, an .npz file with x and y, a TFDS "
            "name) or the .keras file to compare with."
        )


def _class_names(models: Iterable[LiteModel]) -> tuple[str, ...] | None:
    """The names that the first file to tell any tells."""
    for model in models:
        metadata = read_metadata(model.content)
        if metadata is not None and metadata.labels is not None:
            return metadata.labels
    return None


def _source(labelled: LabelledSamples) -> str:
    skipped = len(labelled.skipped)
    return labelled.source + (f" ({skipped} unreadable left out)" if skipped else "")
