"""Finished runs: a JSON file for each, written as soon as it is there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from command_line import InputError
from stored_records import Check, check_fields, is_count, is_positive, is_share, is_text
from whole_files import write_text

from normalization_comparison.setting import Setting


@dataclasses.dataclass(frozen=True)
class Run:
    """One network trained from one seed.

    Attributes:
        setting: What it has in common with the others of its comparison.
        variant: A key of `VARIANTS`.
        seed: Of weights, dropout, order and shifts.
        parameters: Trained ones.
        loss: On the training images, by epoch.
        top1: The share of test images whose label was found, after each epoch.
        images_per_second: In training, of all seeds that were trained at once; the median over
            the epochs, without evaluation and compilation.
        step_mib: Memory that one training step needs for each seed, if the framework tells.
        device: What it was trained on.
        images_sha256: Of all images and labels; they depend on the versions of what draws them.
        versions: Of the packages.
        at_once: How many seeds were trained in one program.
    """

    setting: Setting
    variant: str
    seed: int
    parameters: int
    loss: list[float]
    top1: list[float]
    images_per_second: float
    step_mib: float | None
    device: str
    images_sha256: str
    versions: dict[str, str]
    at_once: int

    @property
    def final(self) -> float:
        """Top-1 after the last epoch: nothing is chosen by the test images."""
        return self.top1[-1]


def run_file(out: Path, setting: Setting, variant: str, seed: int) -> Path:
    return out / setting.folder / f"{variant}_seed{seed}.json"


def write(out: Path, run: Run) -> None:
    """Writes a run; raises InputError if its file cannot be written."""
    file = run_file(out, run.setting, run.variant, run.seed)
    write_text(file, json.dumps(dataclasses.asdict(run), indent=1) + "\n")


def read(
    out: Path,
    setting: Setting,
    variants: Iterable[str],
    seeds: Iterable[int],
    images_sha256: str | None = None,
) -> list[Run]:
    """Returns the runs that are there.

    Args:
        out: The folder of all settings.
        setting: Of the runs.
        variants: Keys of `VARIANTS`.
        seeds: Of the runs.
        images_sha256: Of the images that all of them should be of; by default those of the first.

    Raises:
        InputError: for a file that is of something else, or of other images.
    """
    seeds = list(seeds)
    files = {
        run_file(out, setting, variant, seed): (variant, seed)
        for variant in variants
        for seed in seeds
    }
    found = {file: _read(file, setting, *files[file]) for file in files if file.exists()}
    for file, run in found.items():
        images_sha256 = images_sha256 or run.images_sha256
        if run.images_sha256 != images_sha256:
            raise InputError(
                f"{file}: was trained on other images than the others, as other versions of "
                "Matplotlib, Pillow or this program draw them. Choose another --out, or delete it."
            )
    return list(found.values())


def _read(file: Path, setting: Setting, variant: str, seed: int) -> Run:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        run = Run(**{**content, "setting": Setting(**content["setting"])})
        _check(run, variant, seed)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{file}: is not the record of a run ({error}). Delete it to train again."
        ) from error
    if run.setting != setting:
        raise InputError(
            f"{file}: was trained otherwise ({run.setting}). Choose another --out, or delete it."
        )
    return run


def _check(run: Run, variant: str, seed: int) -> None:
    """Refuses figures that no training can have, and a file under another's name."""
    epochs = run.setting.epochs

    def is_curve(values: Any, holds: Check) -> bool:
        return isinstance(values, list) and len(values) == epochs and all(map(holds, values))

    check_fields(
        run,
        variant=lambda value: value == variant,
        seed=lambda value: value == seed,
        parameters=is_count,
        # It may have been infinite: such a run is one, too.
        loss=lambda values: is_curve(values, lambda value: isinstance(value, float)),
        top1=lambda values: is_curve(values, is_share),
        images_per_second=is_positive,
        step_mib=lambda value: value is None or is_positive(value),
        device=is_text,
        images_sha256=is_text,
        versions=lambda value: isinstance(value, dict) and all(map(is_text, value.values())),
        at_once=is_count,
    )
