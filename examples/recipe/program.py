"""What both programs do with their options: check, train, report."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command_line import INTERRUPTED, InputError, check_backend, make_folder

from recipe.lost_workers import WorkerLost
from recipe.options import RunOptions, read_options
from recipe.settings import Recipe
from recipe.smoke import smoke_images
from recipe.sources import open_source
from recipe.strategies import MULTIWORKER, NONE, check_strategy
from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced

ARTEFACTS = ("checkpoint.npz", "epochs.csv", "model.keras", "readable.json")


def run_program(name: str, description: str, make_recipe: Callable[..., Recipe]) -> int:
    """Reads the command line, trains and returns the exit code.

    Args:
        name: Of the program.
        description: Of the program.
        make_recipe: Makes the recipe from the settings that the user has changed.

    Returns:
        0; 1 if training failed; 2 for what cannot be used; 130 after Ctrl-C.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        options = read_options(description, make_recipe, Path("out") / name)
    except InputError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    try:
        code = _exit_code(name, options)
    except Exception:
        if options.strategy != MULTIWORKER:
            raise
        traceback.print_exc()
        code = 1
    if code and options.strategy == MULTIWORKER:
        # At an ordinary exit jax waits for the other processes, which may wait for this one.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _exit_code(name: str, options: RunOptions) -> int:
    """Trains; says in a line what kept it from that."""
    try:
        make_folder(options.out, ARTEFACTS)
        return _train(name, options)
    except WorkerLost as lost:
        print(f"{name}: {lost}", file=sys.stderr)
        return 1
    except (InputError, ToolError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"{name}: interrupted. The same command goes on from the last checkpoint.",
            file=sys.stderr,
        )
        return INTERRUPTED


def _train(name: str, options: RunOptions) -> int:
    check_backend()
    recipe = options.recipe
    if options.smoke and not options.own_data:
        recipe = dataclasses.replace(recipe, dataset=str(smoke_images(options.out)))
    spread = _distribution(options)
    with silenced():  # TensorFlow is noisy when it is imported
        source = open_source(
            recipe,
            data_dir=options.data_dir,
            skip_unreadable=options.skip_unreadable,
            remember=options.out / "readable.json",
        )
        # Only now: --help and mistakes need not wait for Keras.
        from recipe.distribution import OneDevice
        from recipe.two_steps import train_all
        from recipe.watching import TrainingStopped

    for note in source.notes:
        print(note)
    print(
        f"Train {recipe.model} on {source.name}: {source.train_size:,} images to train on, "
        f"{source.evaluation_size:,} to evaluate on, {len(source.class_names)} classes",
        flush=True,
    )
    try:
        result = train_all(
            recipe,
            source,
            options.out,
            weights=options.weights,
            first_step_file=options.first_step,
            teacher=options.teacher,
            distribution=spread,
            checkpoint_steps=options.checkpoint_steps,
            eagerly=options.smoke,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except TrainingStopped as stopped:
        print(
            f"{name}: {stopped} Start again in another --out with a smaller --learning-rate or "
            "with --warmup-epochs.",
            file=sys.stderr,
        )
        return 1
    print(f"top-1 {result.top1:.2%}, top-5 {result.top5:.2%}. {result.file}", flush=True)
    if not options.deploy:
        return 0
    return _deploy(result, spread or OneDevice())


def _distribution(options: RunOptions) -> Any:
    """The distribution of a strategy, made before TensorFlow does anything; None without one."""
    check_strategy(options.strategy)
    if options.strategy == NONE:
        return None
    with silenced():
        import tensorflow  # noqa: F401 - whose import is noisy

        from recipe.distribution import distribution

    on_several_hosts = options.strategy == MULTIWORKER
    if on_several_hosts:
        print("Join the other workers ...", flush=True)
    # Where they do not come, jax ends this process, with a message of its own.
    with contextlib.nullcontext() if on_several_hosts else silenced():
        return distribution(options.strategy, options.recipe.batch_size)


def _deploy(result: Any, spread: Any) -> int:
    """Deploys what was trained in one of the processes, while the others wait."""
    with silenced():
        from recipe.deployment.reporting import report
        from recipe.deployment.trained import deploy_trained

    if not spread.is_chief:
        spread.wait()
        return 0
    try:
        return report(deploy_trained(result, spread.name), result.file)
    finally:
        with contextlib.suppress(WorkerLost):  # what is done is done without them
            spread.wait()
