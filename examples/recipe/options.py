"""The command line that both recipes share. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command_line import InputError

from recipe.arguments import parser_of
from recipe.settings import Recipe

SMOKE_IMAGES = 24  # of each class


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What a run is told besides its recipe.

    Attributes:
        recipe: What is trained.
        out: The folder for checkpoint, logs and model.
        data_dir: Where TFDS data sets are.
        weights: A file of weights to start from.
        first_step: What the first of two steps has trained already.
        teacher: A trained model whose class probabilities take the labels' place.
        skip_unreadable: Whether to leave out images that cannot be read.
        strategy: One of `recipe.strategies.STRATEGIES`.
        checkpoint_steps: Steps between two checkpoints inside an epoch.
        deploy: Whether to fuse, convert and measure the trained model, and to write its card.
        smoke: Whether this is a trial.
        own_data: Whether the user named the data set; a trial without makes some images.
    """

    recipe: Recipe
    out: Path
    data_dir: Path | None
    weights: Path | None
    first_step: Path | None
    teacher: Path | None
    skip_unreadable: bool
    strategy: str
    checkpoint_steps: int
    deploy: bool
    smoke: bool
    own_data: bool


def read_options(
    description: str, make_recipe: Callable[..., Recipe], out: Path, arguments: Any = None
) -> RunOptions:
    """Reads the command line; argparse itself exits with 2 on what it cannot read.

    Args:
        description: Of the program.
        make_recipe: Makes the recipe from the settings that the user has changed.
        out: Default of `--out`.
        arguments: The arguments, if not those of the process.

    Raises:
        InputError: for options that do not go together.
    """
    options = vars(parser_of(description, make_recipe(), out).parse_args(arguments))
    own = {each.name for each in dataclasses.fields(RunOptions)}
    run = {name: options.pop(name) for name in list(options) if name in own - {"recipe"}}
    changes = {name: value for name, value in options.items() if value is not None}
    if "widths" in changes:
        changes["widths"] = tuple(changes["widths"])
    recipe = make_recipe(**changes)
    _check_starts(recipe, run)
    if run["smoke"]:
        recipe = _small(recipe, changes)
    return RunOptions(recipe, own_data="dataset" in changes, **run)


def _check_starts(recipe: Recipe, run: dict[str, Any]) -> None:
    """Refuses files that a run would not use, and settings that files take the place of."""
    if run["first_step"] is not None and recipe.first_step_decay is None:
        raise InputError(
            "--first-step: this recipe has one step. Leave that option out, or choose --recipe "
            "reactnet."
        )
    if run["first_step"] is not None and run["weights"] is not None:
        raise InputError(
            "--first-step, --weights: expected one of them, got both: the second step starts from "
            "the first step's weights alone. Leave one out."
        )
    if run["teacher"] is not None and recipe.label_smoothing:
        raise InputError(
            "--teacher, --label-smoothing: expected one of them, got both: with a teacher no label "
            "is in the loss. Leave one out."
        )


def _small(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """An epoch on a few small images, unless told otherwise."""
    if "epochs" not in changes:
        recipe = recipe.with_epochs(1)
    return dataclasses.replace(
        recipe,
        image_size=min(recipe.image_size, changes.get("image_size", 32)),
        batch_size=changes.get("batch_size", 16),
        train_limit=2 * SMOKE_IMAGES,
        evaluation_limit=SMOKE_IMAGES,
    )
