"""Finished runs: a JSON file for each, written as soon as it is there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from command_line import InputError
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


def read(out: Path, setting: Setting, variants: Iterable[str], seeds: Iterable[int]) -> list[Run]:
    """Returns the runs that are there; raises InputError for a file that is of something else."""
    seeds = list(seeds)
    files = [run_file(out, setting, variant, seed) for variant in variants for seed in seeds]
    return [_read(file, setting) for file in files if file.exists()]


def _read(file: Path, setting: Setting) -> Run:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        run = Run(**{**content, "setting": Setting(**content["setting"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{file}: is not the record of a run ({error}). Delete it to train again."
        ) from error
    if run.setting != setting:
        raise InputError(
            f"{file}: was trained otherwise ({run.setting}). Choose another --out, or delete it."
        )
    return run
