"""Training in two steps: binary activations first, and then, from these weights, binary weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command_line import InputError

import keras_finet
from recipe.checkpoints import value_of
from recipe.settings import Recipe

FOLDER = "first_step"


def first_step(recipe: Recipe) -> Recipe:
    """The first step of a recipe of two: real-valued weights, and a weight decay of its own."""
    if recipe.first_step_decay is None:
        raise ValueError("Expected a recipe of two steps. Received one without first_step_decay.")
    return dataclasses.replace(
        recipe,
        binary_weights=False,
        weight_decay=recipe.first_step_decay,
        first_step_decay=None,
    )


def load_first_step(
    model: Any,
    file: Path,
    recipe: Recipe,
    classes: int,
    build: Callable[[Recipe, int, str | None], Any],
) -> None:
    """Starts the second step from the weights of the first, whose network differs in its layers.

    Args:
        model: The network with binary weights.
        file: What the first step has trained.
        recipe: Of the second step.
        classes: Number of classes.
        build: Makes the network of a recipe.

    Raises:
        InputError: for a file of another network, of other classes, or one that cannot be read.
    """
    twin = build(first_step(recipe), classes, None)
    try:
        keras_finet.load_weights(twin, file)
    except (ValueError, OSError) as error:
        raise InputError(
            f"--first-step {file}: expected the weights of {recipe.model} after the first step. "
            f"{' '.join(str(error).split())}"
        ) from error
    # By name: the stored weights of both are the same ones, whatever the layers make of them.
    weights = {variable.path: variable for variable in twin.weights}
    for variable in model.weights:
        variable.assign(value_of(weights[variable.path]))
