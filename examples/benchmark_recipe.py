"""What a recipe's step costs with FBN beside BN, and its images beside the step that they wait for.

python examples/benchmark_recipe.py               # FinetLarge, 224×224 from JPEGs of 500×375
python examples/benchmark_recipe.py --recipe cifar --batch-size 128
KERAS_BACKEND=jax python examples/benchmark_recipe.py
python examples/benchmark_recipe.py --smoke       # the same on a small network, one round

The images are made for it: only their size and format count.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from command_line import InputError, check_backend, whole_number
from recipe.papers import cifar, imagenet
from recipe.settings import MODELS, Recipe

from tflite_tools.quiet import silenced

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

RECIPES = {"imagenet": imagenet, "cifar": cifar}


def main() -> int:
    """Prints the ratios and returns the exit code."""
    options = parse_options()
    try:
        check_backend()
        recipe = chosen_recipe(options)
        # Only now: --help and mistakes need not wait for TensorFlow.
        with silenced(), tempfile.TemporaryDirectory() as folder:
            from recipe_cost import costs

            found = costs(recipe, Path(folder), options.steps, options.rounds, smoke=options.smoke)
    except InputError as error:
        print(f"benchmark_recipe: {error}", file=sys.stderr)
        return 2
    images = options.steps * recipe.batch_size
    print("| what | against | images/s | images/s | ratio of times (quartiles) |")
    print("|---|---|--:|--:|--:|")
    for cost in found:
        low, high = cost.quartiles
        speeds = [images / seconds for seconds in (cost.seconds, cost.against_seconds)]
        print(
            f"| {cost.what} | {cost.against} | {speeds[0]:,.1f} | {speeds[1]:,.1f} "
            f"| {cost.ratio:.3f} ({low:.3f}–{high:.3f}) |"
        )
    print(
        f"\nMedians of {options.rounds} rounds in turns, each {options.steps} steps of "
        f"{recipe.batch_size} images. Images are ready in time if the last ratio is below 1."
    )
    return 0


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """The recipe whose steps are timed; a smoke run has small images."""
    small = {"image_size": 32} if options.smoke else {}
    return RECIPES[options.recipe](
        model=options.model, groups=options.groups, batch_size=options.batch_size, **small
    )


def parse_options() -> argparse.Namespace:
    """Reads the command line; argparse itself exits with 2 on what it cannot read."""
    parser = argparse.ArgumentParser(
        usage="%(prog)s [options]",
        description="Times training steps with fine-grained and with plain batch normalization, "
        "and the making of the images, in turns.",
    )
    parser.add_argument("--recipe", choices=RECIPES, default="imagenet", help="default: imagenet")
    parser.add_argument("--model", choices=MODELS, help="default: finet_large")
    parser.add_argument(
        "--groups", type=whole_number(2, 1000), default=4, metavar="G", help="default: 4"
    )
    parser.add_argument(
        "--batch-size", type=whole_number(2, 4096), metavar="N", help="default: 32, smoke: 4"
    )
    parser.add_argument(
        "--steps", type=whole_number(1, 1000), help="in a round (default: 4, cifar: 32)"
    )
    parser.add_argument("--rounds", type=whole_number(1, 1000), help="default: 7, smoke: 1")
    parser.add_argument("--smoke", action="store_true", help="a small network, one round")
    options = parser.parse_args()
    options.model = options.model or ("finet_small" if options.smoke else "finet_large")
    options.batch_size = options.batch_size or (4 if options.smoke else 32)
    options.rounds = options.rounds or (1 if options.smoke else 7)
    # Enough images that the start of an epoch does not count.
    steps = 32 if options.recipe == "cifar" else 4
    options.steps = options.steps or (1 if options.smoke else steps)
    return options


if __name__ == "__main__":
    sys.exit(main())
