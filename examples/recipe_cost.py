"""What training steps and their images cost, each beside what it is compared with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from conversion_cost import Cost, compared
from PIL import Image
from recipe.building import build_model, compile_model
from recipe.pipeline import training_batches
from recipe.settings import Recipe
from recipe.sources import Source, open_source

IMAGENET_SIZE = (500, 375)  # of most of ImageNet's photographs
CLASSES = 10


def costs(
    recipe: Recipe, folder: Path, steps: int, rounds: int, *, smoke: bool
) -> tuple[Cost, Cost]:
    """FBN's steps beside BN's, and the making of the images beside FBN's steps.

    Args:
        recipe: What is trained, with FBN.
        folder: For images.
        steps: In a round, with new images.
        rounds: Of each comparison.
        smoke: Whether to skip the compilation of the steps.
    """
    write_images(folder, recipe, steps * recipe.batch_size)
    source = open_source(dataclasses.replace(recipe, dataset=str(folder)))
    batch = next(iter(training_batches(source, recipe, 0).as_numpy_iterator()))
    plain = dataclasses.replace(recipe, groups=1)
    fine_grained = (f"steps with FBN, G={recipe.groups}", steps_of(recipe, batch, steps, smoke))
    plain_steps = ("steps with BN", steps_of(plain, batch, steps, smoke))
    images = ("making their images", making(source, recipe, steps))
    return (
        compared(fine_grained, plain_steps, rounds, highest=1),
        compared(images, fine_grained, rounds, highest=1),
    )


def write_images(folder: Path, recipe: Recipe, training: int) -> None:
    """Smooth random images: JPEGs of ImageNet's size, or PNGs of CIFAR's, in ten classes."""
    rng = np.random.default_rng(0)
    size, kind = (IMAGENET_SIZE, "jpg") if recipe.image_size > 32 else ((32, 32), "png")
    for part, count in (("train", max(training, CLASSES)), ("val", CLASSES)):
        for index in range(count):
            inside = folder / part / str(index % CLASSES)
            inside.mkdir(parents=True, exist_ok=True)
            coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3)).astype("uint8"))
            coarse.resize(size, Image.Resampling.BICUBIC).save(inside / f"{index}.{kind}")


def steps_of(recipe: Recipe, batch: Any, steps: int, smoke: bool) -> Callable[[], object]:
    """Training steps on a batch that is there already."""
    keras.utils.set_random_seed(0)
    model = build_model(recipe, CLASSES, None)
    compile_model(model, recipe, steps, eagerly=smoke)

    def run() -> None:
        for _ in range(steps):
            model.train_on_batch(*batch)  # returns figures, and so waits for the step

    return run


def making(source: Source, recipe: Recipe, steps: int) -> Callable[[], object]:
    """The batches of so many steps: read, decoded, augmented and normalised, on all cores."""

    def run() -> None:
        for _ in training_batches(source, recipe, 0).take(steps).as_numpy_iterator():
            pass

    return run
