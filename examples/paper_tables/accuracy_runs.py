"""Trained rows of Tables 5, 6 and 7, each kept in a folder as soon as it is finished."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from command_line import InputError
from recipe.engine import train
from recipe.settings import Recipe
from recipe.smoke import COUNTS as SMOKE_COUNTS
from recipe.smoke import smoke_images
from recipe.sources import Source, open_source
from stored_records import check_fields, is_count, is_share

from paper_tables.accuracy_cells import DATASETS, EVALUATION_IMAGES, TRAINING_IMAGES, Cell
from tflite_tools.output_folder import whole_file

RESULT = "result.json"
COUNTS = ("epochs", "training_images", "evaluation_images")


@dataclasses.dataclass(frozen=True)
class Budget:
    """How much of the paper's recipe is run.

    Attributes:
        share: Of the epochs and of the images, above 0 and at most 1.
        smoke: Whether a trial's own images and its smallest network take the place of both.
    """

    share: float
    smoke: bool = False

    @property
    def is_whole(self) -> bool:
        return self.share == 1 and not self.smoke

    def limits(self, recipe: Recipe) -> dict[str, int | None]:
        """How many of the data set's images are used; None for all."""
        if self.is_whole:
            return {"train_limit": None, "evaluation_limit": None}
        return {
            "train_limit": max(recipe.batch_size, round(self.share * TRAINING_IMAGES)),
            "evaluation_limit": max(1, round(self.share * EVALUATION_IMAGES)),
        }


@dataclasses.dataclass(frozen=True)
class Result:
    """What a row came to.

    Attributes:
        top1: Share of the evaluation images whose class was found, after the last epoch.
        epochs: How many were trained.
        training_images: On how many images.
        evaluation_images: On how many images it was measured.
        recipe: All settings.
    """

    top1: float
    epochs: int
    training_images: int
    evaluation_images: int
    recipe: dict[str, Any]


class Runs:
    """Rows in a folder: those that are there are not trained again.

    Args:
        folder: Where each row has a folder of its own.
        budget: How much of the recipes is run; rows of other budgets stay apart.
        data_dir: Where TFDS data sets are.
    """

    def __init__(self, folder: Path, budget: Budget, data_dir: Path | None) -> None:
        self._folder = folder
        self._budget = budget
        self._data_dir = data_dir

    def kept(self, cell: Cell, seed: int) -> Result | None:
        """The result of a row, if it is finished.

        Raises:
            InputError: if the file is damaged, or of another recipe.
        """
        file = self._folder_of(cell, seed) / RESULT
        if not file.exists():
            return None
        result = _read(file)
        recipe = self._recipe(cell, seed, str(result.recipe.get("dataset")))
        wanted = self._wanted(recipe)
        found = {**result.recipe, **{name: getattr(result, name) for name in COUNTS}}
        if names := [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]:
            differing = ", ".join(name.replace("_", " ") for name in names)
            raise InputError(
                f"{file}: is the result of another recipe, which differs in {differing}. Remove it "
                "to train that row again, or choose another --results."
            )
        return result

    def _wanted(self, recipe: Recipe) -> dict[str, Any]:
        """What the result of a recipe says of it, and of the images."""
        images = SMOKE_COUNTS
        if not self._budget.smoke:
            images = (
                recipe.train_limit or TRAINING_IMAGES,
                recipe.evaluation_limit or EVALUATION_IMAGES,
            )
        return {**recipe.as_json(), **dict(zip(COUNTS, (recipe.epochs, *images), strict=True))}

    def train(self, cell: Cell, seed: int) -> Result:
        """Trains a row to its end, from where an earlier call was interrupted, and keeps it."""
        folder = self._folder_of(cell, seed)
        folder.mkdir(parents=True, exist_ok=True)
        recipe, source = self._prepared(cell, seed, folder)
        print(
            f"{cell.name}, seed {seed}: {_amount(recipe, source)} ...", file=sys.stderr, flush=True
        )
        trained = train(
            recipe, source, folder, eagerly=self._budget.smoke, option="--results", verbose=0
        )
        result = Result(
            trained.top1,
            recipe.epochs,
            source.train_size,
            source.evaluation_size,
            recipe.as_json(),
        )
        with whole_file(folder / RESULT) as temporary:
            text = json.dumps(dataclasses.asdict(result), indent=2)
            temporary.write_text(text + "\n", encoding="utf-8")
        return result

    def _prepared(self, cell: Cell, seed: int, folder: Path) -> tuple[Recipe, Source]:
        if self._budget.smoke:
            recipe = self._recipe(cell, seed, str(smoke_images(folder)))
            return recipe, open_source(recipe)
        recipe = self._recipe(cell, seed, cell.recipe.dataset)
        _check_images(open_source(cell.recipe, data_dir=self._data_dir), recipe.dataset)
        return recipe, open_source(recipe, data_dir=self._data_dir)

    def _recipe(self, cell: Cell, seed: int, dataset: str) -> Recipe:
        """A row's recipe within the budget; a trial's data are in a folder of its own."""
        recipe = dataclasses.replace(cell.recipe, seed=seed)
        if self._budget.smoke:
            small = {"model": "finet_small"} if recipe.model == "finet_large" else {}
            recipe = dataclasses.replace(recipe, batch_size=16, dataset=dataset, **small)
            return recipe.with_epochs(1)
        epochs = max(1, round(self._budget.share * recipe.epochs))
        return dataclasses.replace(recipe.with_epochs(epochs), **self._budget.limits(recipe))

    def _folder_of(self, cell: Cell, seed: int) -> Path:
        budget = "smoke" if self._budget.smoke else f"budget_{self._budget.share:g}"
        return self._folder / budget / cell.name.replace("/", "_") / f"seed_{seed}"


def _read(file: Path) -> Result:
    try:
        result = Result(**json.loads(file.read_bytes()))
        check_fields(
            result,
            top1=is_share,
            **dict.fromkeys(COUNTS, is_count),
            recipe=lambda value: isinstance(value, dict),
        )
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{file}: cannot be read ({error}). Remove it to train that row again."
        ) from error
    return result


def _check_images(source: Source, dataset: str) -> None:
    """Refuses what only has the name of the data set: its figures would not be the paper's."""
    found = source.train_size, source.evaluation_size
    if found != (TRAINING_IMAGES, EVALUATION_IMAGES):
        raise InputError(
            f"{dataset}: expected {DATASETS[dataset]}'s {TRAINING_IMAGES:,} images to train on and "
            f"{EVALUATION_IMAGES:,} to evaluate on, got {found[0]:,} and {found[1]:,}. Prepare it "
            f"again: tfds build {dataset} --overwrite"
        )


def _amount(recipe: Recipe, source: Source) -> str:
    return f"{recipe.epochs} epochs on {source.train_size:,} images"


def missing(runs: Runs, cells: Sequence[Cell], seeds: Sequence[int]) -> list[tuple[Cell, int]]:
    """The rows that are not finished, with their seeds."""
    return [(cell, seed) for cell in cells for seed in seeds if runs.kept(cell, seed) is None]
