"""A recipe from its beginning to its end, in as many steps as it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from command_line import make_folder

from recipe.binarization import FOLDER, first_step
from recipe.checkpoints import CHECKPOINT
from recipe.distribution import Distribution, OneDevice
from recipe.engine import TrainingResult, train
from recipe.settings import Recipe
from recipe.sources import Source


def train_all(
    recipe: Recipe,
    source: Source,
    folder: Path,
    *,
    weights: Path | None = None,
    first_step_file: Path | None = None,
    distribution: Distribution | None = None,
    **options: Any,
) -> TrainingResult:
    """Trains a recipe of one step or of two, and goes on wherever an earlier run stopped.

    The first of two steps has a folder of its own, `first_step`, with checkpoint, logs and model.
    Once the second has a checkpoint, nothing there is needed any more.

    Args:
        recipe: What to train.
        source: The data.
        folder: For checkpoint, logs and model; it has to exist.
        weights: A file of weights to start from, in the first step.
        first_step_file: What the first step has trained already; it is then left out.
        distribution: Over which devices the work is spread; by default one.
        **options: As `recipe.engine.train` takes them.

    Returns:
        The result of the last step.
    """
    options["distribution"] = spread = distribution or OneDevice()
    if recipe.first_step_decay is None:
        return train(recipe, source, folder, weights=weights, **options)
    if first_step_file is None:
        first_step_file = folder / FOLDER / "model.keras"
        if not (folder / CHECKPOINT).exists():
            print("Step 1 of 2: binary activations, real-valued weights", flush=True)
            make_folder(folder / FOLDER, [CHECKPOINT, first_step_file.name])
            first = train(
                first_step(recipe), source, first_step_file.parent, weights=weights, **options
            )
            print(f"top-1 {first.top1:.2%}, top-5 {first.top5:.2%}. {first.file}", flush=True)
            spread.wait()  # for the one that writes the file
    print("Step 2 of 2: binary weights", flush=True)
    return train(recipe, source, folder, weights=weights, first_step=first_step_file, **options)
