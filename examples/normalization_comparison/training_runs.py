"""Runs trained by the engine of their backend, and written as soon as they are finished."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import importlib.util
from collections.abc import Iterator
from importlib import metadata

from image_data import ImageData

from normalization_comparison import runs
from normalization_comparison.outcome import Outcome
from normalization_comparison.setting import MODELS, Setting, load
from normalization_comparison.turns import Turns
from normalization_comparison.variants import VARIANTS


def train_and_write(
    setting: Setting, variant: str, seeds: list[int], turns: Turns, options: argparse.Namespace
) -> None:
    """Trains a variant from each seed, writes the runs and prints a line on each.

    Raises:
        TimeIsUp: when the limit of `turns` is reached; what is finished has been written.
    """
    title = f"{MODELS[setting.model]} on {setting.data}, {VARIANTS[variant].title}"
    data = load(setting.data, options.train_images)
    runs.read(options.out, setting, VARIANTS, options.seeds, data.sha256)  # refuses other images
    print(f"{title}: seeds {', '.join(map(str, seeds))} ...", flush=True)
    device, versions = _where(setting.backend)
    for outcomes in _outcomes(setting, variant, seeds, data, turns, options):
        for outcome in outcomes:
            run = runs.Run(
                setting=setting,
                variant=variant,
                device=device,
                images_sha256=data.sha256,
                versions=versions,
                **dataclasses.asdict(outcome),
            )
            runs.write(options.out, run)
            print(
                f"{title}, seed {run.seed}: {100 * run.final:.2f} %, "
                f"{run.images_per_second:,.0f} images/s",
                flush=True,
            )


def _outcomes(
    setting: Setting,
    variant: str,
    seeds: list[int],
    data: ImageData,
    turns: Turns,
    options: argparse.Namespace,
) -> Iterator[list[Outcome]]:
    with _silenced():
        import keras  # noqa: F401 - whose backend is noisy
    if setting.backend == "jax":
        from normalization_comparison import on_jax

        return on_jax.train(setting, variant, seeds, data, turns, options.at_once)
    from normalization_comparison import on_batches

    return on_batches.train(setting, variant, seeds, data, turns, eagerly=options.smoke)


@functools.cache
def _where(backend: str) -> tuple[str, dict[str, str]]:
    """The device, and the versions of what computes."""
    with _silenced():
        from training_cost.framework import framework
        from training_cost.machine import cpu_name

    versions = {name: metadata.version(name) for name in ("keras", "numpy")}
    return framework().gpu_name() or cpu_name(), {backend: framework().VERSION, **versions}


def _silenced() -> contextlib.AbstractContextManager[None]:
    """Keeps TensorFlow's noise away, where it is installed: Keras imports it on every backend."""
    if importlib.util.find_spec("tensorflow") is None:
        return contextlib.nullcontext()
    from tflite_tools.quiet import silenced

    return silenced()
