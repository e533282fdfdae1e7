"""Fuses, verifies, converts and measures a checkpoint, and writes its card."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_finet
import tflite_tools
from recipe.deployment.card import Artefact, Card, write
from recipe.deployment.checkout import commit
from recipe.deployment.data import DeploymentData
from recipe.deployment.finite import finite
from recipe.deployment.markdown import as_markdown
from recipe.deployment.scores import Score, scores
from recipe.model_file import save_model
from tflite_tools.errors import ToolError
from tflite_tools.loading import load_keras_model
from tflite_tools.provenance import creation_time, sidecar_path, versions

PRECISIONS = ("float32", "float16", "int8")
TRAINED, FUSED = "Keras, as trained", "Keras, fused"
FUSED_FILE = "fused.keras"
VERIFIED_IMAGES = 32
UNFINISHED = (
    "The deployment did not come to its end: deploy_checkpoint.py, or the training's own command, "
    "does it again."
)


def deploy(
    file: Path,
    data: DeploymentData,
    *,
    network: Mapping[str, Any],
    recipe: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Card:
    """Makes the files for deployment beside a trained `.keras` file, and its card.

    What goes wrong stands in the card; what is in the folder then is sound as far as the card says
    so. A card is there from the beginning to the end, first one that says that this is not done
    yet: how the model was made stands nowhere else.

    Args:
        file: The trained classifier.
        data: What to calibrate and to measure it on.
        network: Builder and arguments, as far as they are known.
        recipe: All settings that it was trained with; None if they are not known.
        training: What is known of the run.

    Returns:
        The card, as it has been written.

    Raises:
        InputError: if the data cannot be read.
        ToolError: if the file cannot be read, or another cannot be written.
    """
    model = _loaded(file)
    begun = _begun(file, model, data, network, recipe, training)
    write(begun, file, as_markdown(begun))
    _remove_old(file)
    problems: list[str] = []
    calibration = data.calibration()
    fused, fusion = _fused(model, calibration[:VERIFIED_IMAGES], file, problems)
    models = {TRAINED: model} | ({} if fused is None else {FUSED: fused})
    files = {} if fused is None else _converted(file, data, calibration, problems)
    measured = _measured(model, models, list(files.values()), data, problems)
    artefacts = [Artefact.of(file, TRAINED, measured.get(TRAINED))]
    if fused is not None:
        artefacts.append(Artefact.of(file.with_name(FUSED_FILE), FUSED, measured.get(FUSED)))
    artefacts += [
        Artefact.of(path, f"TFLite {precision}", measured.get(path.name))
        for precision, path in files.items()
    ]
    card = dataclasses.replace(
        begun,
        passed=not problems,
        problems=tuple(problems),
        fusion=fusion,
        artefacts=tuple(artefacts),
    )
    write(card, file, as_markdown(card))
    return card


def _begun(
    file: Path,
    model: keras.Model,
    data: DeploymentData,
    network: Mapping[str, Any],
    recipe: Mapping[str, Any] | None,
    training: Mapping[str, Any] | None,
) -> Card:
    """The card of a deployment that has not come to its end."""
    low, high, images = _input_range(data)
    described = data.describe()
    parameters = {"parameters": model.count_params(), "classes": model.output_shape[-1]}
    return Card(
        name=file.stem,
        created=creation_time(),
        passed=False,
        problems=(UNFINISHED,),
        input_range=(low, high),
        input_range_images=images,
        network={**network, **parameters},
        data=described,
        recipe=None if recipe is None else dict(recipe),
        training=dict(training or {}),
        fusion={},
        artefacts=(Artefact.of(file, TRAINED, None),),
        commit=commit(),
        versions={**versions(), "backend": keras.backend.backend()},
        intended_use=_intended_use(described),
        limits=tuple(_limits(described, recipe)),
    )


def _remove_old(file: Path) -> None:
    """Removes what an earlier run has left: beside a new checkpoint it would be another's."""
    file.with_name(FUSED_FILE).unlink(missing_ok=True)
    for precision in PRECISIONS:
        path = file.with_name(f"{file.stem}_{precision}.tflite")
        for old in (path, sidecar_path(path)):
            old.unlink(missing_ok=True)


def _loaded(file: Path) -> keras.Model:
    model = load_keras_model(file)
    model.compile(jit_compile=False)  # XLA makes predictions on a CPU slower
    return model


def _fused(
    model: keras.Model, inputs: np.ndarray, file: Path, problems: list[str]
) -> tuple[keras.Model | None, dict[str, Any]]:
    """The fused model, saved, and what comparing it came to; no model if it computes otherwise."""
    fused = keras_finet.fuse(model)
    fused.compile(jit_compile=False)
    report = keras_finet.verify_fusion(model, fused, inputs)
    figures = {**finite(dataclasses.asdict(report)), "passed": report.passed}
    if not report.passed:
        where = f", first in layer {report.diverging_layer}" if report.diverging_layer else ""
        problems.append(
            f"The fused model computes something else: relative error {report.relative_error:.1e} "
            f"of at most {report.tolerance:.0e}{where}. Nothing was converted."
        )
        return None, figures
    save_model(fused, file.with_name(FUSED_FILE))
    return fused, figures


def _converted(
    file: Path, data: DeploymentData, calibration: np.ndarray, problems: list[str]
) -> dict[str, Path]:
    """The .tflite files by precision, each of which was compared with the Keras model."""

    def convert(*precisions: str) -> dict[str, Path]:
        report = tflite_tools.convert(
            file,
            file.parent,
            precisions=precisions,
            calibration=calibration if "int8" in precisions else None,
            inputs=calibration[:VERIFIED_IMAGES],
            preprocessing=data.preprocessing,
            labels=data.class_names,
        )
        return {record.precision: record.file for record in report.records}

    with contextlib.suppress(ToolError):
        return convert(*PRECISIONS)
    # One of them fails, which is no reason to go without the others.
    files: dict[str, Path] = {}
    for precision in PRECISIONS:
        with _noted(f"No {precision} file was made", problems):
            files |= convert(precision)
    return files


def _measured(
    model: keras.Model,
    models: Mapping[str, keras.Model],
    files: list[Path],
    data: DeploymentData,
    problems: list[str],
) -> dict[str, Score]:
    with _noted("The .tflite files were not measured", problems):
        return scores(model, models, files, data.test_batches())
    return scores(model, models, [], data.test_batches())


@contextlib.contextmanager
def _noted(what: str, problems: list[str]) -> Iterator[None]:
    try:
        yield
    except ToolError as error:
        problems.append(f"{what}: {error}")


def _input_range(data: DeploymentData) -> tuple[float, float, int]:
    lows, highs, images = [], [], 0
    for batch in data.fed_batches():
        lows.append(float(batch.min()))
        highs.append(float(batch.max()))
        images += len(batch)
    return min(lows), max(highs), images


def _intended_use(data: Mapping[str, Any]) -> str:
    return (
        f"To tell which of the {data['classes']} classes of {data['name']} an image shows, where "
        "images are like those of that data set, with Keras or, on phones, with LiteRT."
    )


def _limits(data: Mapping[str, Any], recipe: Mapping[str, Any] | None) -> Iterator[str]:
    yield (
        f"Accuracies are those on {data['evaluation_images']:,} images of {data['name']}, after "
        "the preprocessing below. They say nothing of other images."
    )
    if data["evaluation_limit"] is not None:
        yield f"That is a part of its images: at most {data['evaluation_limit']:,} were taken."
    yield "Every image gets one of the classes, also one that shows none of them."
    yield "Robustness and fairness were not tested, nor was the speed on any device."
    if recipe is None:
        yield "How it was trained is not known."
        return
    yield f"This is one run, with seed {recipe.get('seed')}: other seeds give other accuracies."
    if recipe.get("train_limit") is not None:
        yield f"A trial: trained on at most {recipe['train_limit']:,} images."
