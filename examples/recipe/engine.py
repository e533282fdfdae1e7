"""Trains a recipe from wherever an earlier run of it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
from command_line import InputError

from recipe.binarization import load_first_step
from recipe.building import (
    build_model,
    compile_model,
    inner_optimizer,
    load_initial_weights,
    with_float32_outputs,
)
from recipe.checkpoints import CheckpointFile
from recipe.deployment.card import remove_cards
from recipe.devices import leave_gpus_to_keras
from recipe.distribution import Distribution, OneDevice
from recipe.epochs import Epochs
from recipe.logs import Logs, NoLogs
from recipe.model_file import save_model
from recipe.pipeline import steps_per_epoch
from recipe.settings import Recipe
from recipe.sources import Source
from recipe.strategies import check_alike, check_places
from recipe.teacher import Teacher, taught
from recipe.tensorflow_errors import data_errors

MODEL = "model.keras"
CHECKPOINT_STEPS = 1000

# Of a recipe, the number of classes and the activation of the last layer, None for logits.
BuildModel = Callable[[Recipe, int, str | None], Any]


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What a run has trained.

    Attributes:
        model: The classifier, with probabilities as its outputs, as it is in `file`.
        recipe: What was trained.
        source: The data.
        folder: Where checkpoint, logs and model are.
        file: The saved model.
        teacher: By whom it was taught, if by anyone.
        history: A row for each epoch: `epoch` (from 1), `loss`, `top1`, `top5`, the same with
            `val_`, `learning_rate` (of its last step) and `images_per_second`.
    """

    model: Any
    recipe: Recipe
    source: Source
    folder: Path
    file: Path
    teacher: Teacher | None
    history: list[dict[str, float]]

    @property
    def top1(self) -> float:
        """Share of the evaluation images whose class was found, after the last epoch."""
        return self.history[-1]["val_top1"]

    @property
    def top5(self) -> float:
        """Share of the evaluation images whose class is among the five likeliest."""
        return self.history[-1]["val_top5"]


def train(
    recipe: Recipe,
    source: Source,
    folder: Path,
    *,
    build: BuildModel = build_model,
    weights: Path | None = None,
    first_step: Path | None = None,
    teacher: Path | None = None,
    distribution: Distribution | None = None,
    checkpoint_steps: int = CHECKPOINT_STEPS,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    eagerly: bool = False,
    option: str = "--out",
    verbose: str | int = "auto",
) -> TrainingResult:
    """Trains a recipe to its end, from the checkpoint in the folder if there is one.

    The weights of a run that was interrupted, at whatever moment, and taken up again are those of
    one that was not: the state in a checkpoint is all that they depend on. On a CPU they are equal
    bit by bit.

    Args:
        recipe: What to train.
        source: The data, as `recipe.sources.open_source` opens them.
        folder: For checkpoint, logs and model; it has to exist.
        build: Makes the network; by default the one that the recipe names.
        weights: A file of weights to start from.
        first_step: What the first of two steps has trained; this is the second, and starts from it,
            not from `weights`, where the first started.
        teacher: A trained `.keras` classifier whose probabilities take the labels' place.
        distribution: Over which devices the work is spread; by default one.
        checkpoint_steps: Number of steps between two checkpoints inside an epoch; there is one at
            the end of each epoch besides.
        callbacks: Further callbacks; each epoch is a `fit` of its own to them. What they keep in
            themselves is not in the checkpoint.
        eagerly: Skips the compilation of the step, which costs more than a few steps do.
        option: By which the user chose the folder, for messages.
        verbose: As in `keras.Model.fit`.

    Returns:
        The trained model and how it got there.

    Raises:
        InputError: for data, weights or a checkpoint that do not fit, and files that cannot be
            written.
        TrainingStopped: if a loss or a weight is no longer finite.
    """
    steps = steps_per_epoch(source, recipe)
    spread = distribution or OneDevice()
    given_teacher = None if teacher is None else Teacher.of(teacher)
    configuration = {
        **_configuration(recipe, source),
        "weights": None if weights is None else str(weights),
        "first step": None if first_step is None else _first_step_name(first_step, folder),
        "teacher": None if given_teacher is None else given_teacher.sha256,
    }
    file = CheckpointFile(folder, configuration, writes=spread.is_chief, option=option)
    logs = Logs(folder) if spread.is_chief else NoLogs()
    _set_up(recipe)
    with spread.scope(), spread.losses():
        _check_alike(spread, source, configuration)
        with _dtype_policy(recipe):
            model = with_float32_outputs(build(recipe, len(source.class_names), None))
            model = spread.prepared(model)
        _check_classes(model, source)
        if not file.path.exists():
            if first_step is not None:
                load_first_step(model, first_step, recipe, len(source.class_names), build)
            elif weights is not None:
                load_initial_weights(model, weights)
        if given_teacher is not None:
            model = taught(model, given_teacher.model(recipe, source))
        compile_model(model, recipe, steps, eagerly=eagerly)
        if verbose and (announcement := spread.announcement(model)):
            print(announcement, flush=True)
        progress = file.restore(model)
        check_places(spread.gathered(progress.epoch, progress.step))
        epochs = Epochs(
            recipe, source, spread, file, logs, steps, checkpoint_steps, callbacks, verbose
        )
        with data_errors(source.name):
            epochs.run(model, progress)
        if recipe.ema is not None:
            inner_optimizer(model).use_averages(model.trainable_variables)
    final = build(recipe, len(source.class_names), "softmax")
    final.set_weights(model.get_weights())
    if spread.is_chief:
        remove_cards(folder / MODEL)  # first: a run that is killed here leaves none that is wrong
        save_model(final, folder / MODEL)
    return TrainingResult(
        final, recipe, source, folder, folder / MODEL, given_teacher, progress.history
    )


def _configuration(recipe: Recipe, source: Source) -> dict[str, Any]:
    return {
        **recipe.as_json(),
        "classes": len(source.class_names),
        "training images": source.train_size,
    }


def _check_alike(spread: Distribution, source: Source, configuration: dict[str, Any]) -> None:
    """Before anything is built, which would fail or wait where processes differ."""
    text = json.dumps(configuration, sort_keys=True).encode()
    digest = hashlib.sha256(text).digest()
    digests = [int.from_bytes(digest[place : place + 4]) >> 1 for place in (0, 4)]
    check_alike(spread.gathered(source.train_size, source.evaluation_size, *digests))


def _first_step_name(file: Path, folder: Path) -> str:
    """The same wherever the folder of the run is moved to, if the file is inside."""
    inside = file.resolve().is_relative_to(folder.resolve())
    return str(file.resolve().relative_to(folder.resolve()) if inside else file)


def _check_classes(model: Any, source: Source) -> None:
    expected, found = len(source.class_names), model.output_shape[-1]
    if found != expected:
        raise InputError(
            f"{source.name}: has {expected} classes, but {model.name} has {found} outputs. Build "
            f"it for {expected} classes."
        )


def _set_up(recipe: Recipe) -> None:
    keras.utils.set_random_seed(recipe.seed)
    leave_gpus_to_keras()


@contextlib.contextmanager
def _dtype_policy(recipe: Recipe) -> Iterator[None]:
    """The policy that layers are made with."""
    before = keras.config.dtype_policy()
    if recipe.mixed_precision is not None:
        keras.config.set_dtype_policy(f"mixed_{recipe.mixed_precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
