"""Samples and labels from .npy and .npz files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError

SUFFIXES = (".npy", ".npz")
# As numpy.savez(x=…, y=…) and as the data sets of keras.datasets name them.
_PAIRS = (("x", "y"), ("images", "labels"), ("x_{split}", "y_{split}"))


def load_array_file(path: Path, *, split: str | None = None) -> tuple[Any, Any]:
    """The samples of a file, and its labels if it has some.

    Args:
        path: An `.npy` file, or an `.npz` file with one array, or with samples and labels called
            `x` and `y`, `images` and `labels`, or `x_<split>` and `y_<split>`.
        split: Which of several parts, such as "train".
    """
    try:
        # Memory-mapped: a few samples of a large file cost no more than those samples.
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            return loaded, None
        with loaded:
            samples, labels = _names(path, loaded.files, split)
            return loaded[samples], loaded[labels] if labels else None
    except ToolError:
        raise
    # A damaged file can fail in NumPy, in zipfile and in the decompression, by many types.
    except Exception as error:
        raise ToolError(
            f"{path}: expected an array of numbers saved with numpy.save or numpy.savez, got a "
            f"file that does not load ({type(error).__name__}: {error}). Save the samples again."
        ) from error


def _names(path: Path, names: Sequence[str], split: str | None) -> tuple[str, str | None]:
    """What the arrays of samples and of labels are called."""
    for pair in _PAIRS:
        samples, labels = (name.format(split=split) for name in pair)
        if samples in names:
            return samples, labels if labels in names else None
    if len(names) == 1:
        return names[0], None
    got = f"{len(names)}: {', '.join(names)}" if names else "none"
    raise ToolError(
        f"{path}: expected one array, or samples and labels called x and y, images and labels, or "
        f"x_{split or 'train'} and y_{split or 'train'}, got {got}. Save them under such names."
    )
