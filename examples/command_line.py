"""What the examples' command lines share: numbers, output folders and how mistakes are told."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path

# Each backend's package on the index, which is also the name it is imported by.
BACKENDS = ("tensorflow", "jax", "torch")
INTERRUPTED = 130  # as shells report a process that Ctrl-C ended


class InputError(ValueError):
    """What the user gave cannot be used; the message says why and what would help."""


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Returns a reader of whole numbers from `low` to `high`, for argparse."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {low} to {high}, got {text}"
            )
        return number

    return read


def positive_number(text: str) -> float:
    """Reads a finite number above 0, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return number


def check_backend() -> None:
    """Refuses a Keras backend that there is not, before Keras is imported."""
    name = os.environ.get("KERAS_BACKEND", BACKENDS[0])
    if name not in BACKENDS:
        raise InputError(f"KERAS_BACKEND: expected one of {', '.join(BACKENDS)}, got {name}.")
    check_installed(name, "KERAS_BACKEND")


def check_installed(package: str, option: str) -> None:
    """Refuses an option that wants a package which is not there."""
    if importlib.util.find_spec(package) is None:
        raise InputError(
            f"{option}: {package} is not installed. Install it with: pip install {package}"
        )


def make_folder(folder: Path, artefacts: Iterable[str], option: str = "--out") -> None:
    """Makes the folder of an option, or says why `artefacts` cannot be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{option} {folder}: cannot be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"{option} {folder}: cannot be written to.")
    for name in artefacts:
        if (folder / name).is_dir():
            raise InputError(f"{option} {folder}: its {name} is a folder; choose another {option}.")
