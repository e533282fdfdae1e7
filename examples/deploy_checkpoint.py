"""Files for a phone and a model card from a trained checkpoint.

python examples/deploy_checkpoint.py model.keras --dataset imagenet2012 --recipe imagenet
python examples/deploy_checkpoint.py model.keras --dataset cifar10 --recipe cifar
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

from command_line import InputError, check_backend, make_folder, whole_number
from recipe.deployment.beside import (
    augmentation_in,
    card_beside,
    check_classes,
    making_in,
    pixels_in,
)
from recipe.papers import CIFAR, IMAGENET
from recipe.settings import Recipe
from recipe.smoke import smoke_images
from recipe.sources import open_source

from tflite_tools.errors import ToolError
from tflite_tools.loading import check_keras_file, load_keras_model
from tflite_tools.quiet import silenced

RECIPES = {"imagenet": IMAGENET, "cifar": CIFAR}


def main() -> int:
    """Deploys the checkpoint and returns the exit code: 1 if a check failed."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = parse_options()
    try:
        check_backend()
        if options.smoke:
            prepare_trial(options)
        elif options.dataset is None:
            raise InputError("--dataset: expected the data that it was trained on, got none.")
        check_keras_file(options.checkpoint)
        card = card_beside(options.checkpoint)
        return deploy_checkpoint(options, augmentation_of(options, card), card)
    except (InputError, ToolError) as error:
        print(f"deploy_checkpoint: {error}", file=sys.stderr)
        return 2


def augmentation_of(options: argparse.Namespace, card: dict[str, Any]) -> str:
    """How its recipe made images what the checkpoint takes: nothing in the file itself tells."""
    if options.recipe is not None:
        return RECIPES[options.recipe].augmentation
    found = augmentation_in(card)
    if found is None:
        raise InputError(
            f"--recipe: expected one of {', '.join(RECIPES)}, as no card beside "
            f"{options.checkpoint} says how its images were read: centre crops, or whole ones."
        )
    return found


def deploy_checkpoint(options: argparse.Namespace, augmentation: str, card: dict[str, Any]) -> int:
    """Reads the checkpoint and its data, makes the files beside it and reports on them."""
    with silenced():  # Keras and TensorFlow are noisy when they are imported
        from recipe.deployment.data import DeploymentData
        from recipe.deployment.reporting import report
        from recipe.deployment.steps import deploy

        model = load_keras_model(options.checkpoint)
        recipe = dataclasses.replace(
            recipe_of(options, augmentation, model), pixels=pixels_in(card)
        )
        source = open_source(
            recipe, data_dir=options.data_dir, skip_unreadable=options.skip_unreadable
        )
    classes = model.output_shape[-1]
    if len(source.class_names) != classes:
        raise InputError(
            f"{options.checkpoint}: expected as many classes as {source.name} has, "
            f"{len(source.class_names)}, got a model with {classes}."
        )
    check_classes(card, source)
    data = DeploymentData(recipe, source)
    made = deploy(options.checkpoint, data, **{"network": {"name": model.name}, **making_in(card)})
    return report(made, options.checkpoint)


def prepare_trial(options: argparse.Namespace) -> None:
    """Makes a small network with random weights, and images."""
    folder = options.checkpoint.parent
    make_folder(folder, [options.checkpoint.name], "checkpoint's folder")
    options.dataset = str(smoke_images(folder))
    options.recipe = options.recipe or "imagenet"
    with silenced():
        import keras
        from recipe.model_file import save_model

        layers = [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(8, 3, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
        save_model(keras.Sequential(layers), options.checkpoint)


def recipe_of(options: argparse.Namespace, augmentation: str, model: object) -> Recipe:
    """How images are made what the checkpoint takes; how it was trained it does not say."""
    shape = getattr(model, "input_shape", None)
    match shape:
        case (_, int(side), int(other), 3) if side == other:
            return Recipe(
                dataset=options.dataset,
                image_size=side,
                augmentation=augmentation,
                evaluation_limit=options.samples,
            )
    raise InputError(
        f"{options.checkpoint}: expected a classifier of square RGB images, got inputs of shape "
        f"{shape}."
    )


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        description="Fuse, verify and convert a trained classifier, measure every file, and write "
        "a model card. All of it goes into the checkpoint's folder."
    )
    parser.add_argument("checkpoint", type=Path, help="a .keras file")
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="what it was trained on: a prepared TFDS data set, or a folder with train/CLASS/ and "
        "val/CLASS/; int8 is calibrated on its training images",
    )
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        help="how images are read: centre crops, or whole images (default: what the card beside "
        "the checkpoint says; without one it has to be given)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where TFDS data sets are (default: TFDS_DATA_DIR or ~/tensorflow_datasets)",
    )
    parser.add_argument(
        "--samples",
        type=whole_number(1, 10**9),
        metavar="N",
        help="measure on at most so many test images; the card says so (default: all)",
    )
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="leave out images that cannot be read"
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="make the checkpoint first, a small network with random weights, and its data",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
