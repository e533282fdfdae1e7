"""Images and labels of a folder with a sub-folder for each class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from command_line import InputError
from image_data import held_out

from recipe.readable import readable_images
from tflite_tools.samples import spread

TRAIN = "train"
EVALUATION = ("val", "validation", "test")


class FolderSource:
    """A `Source` of `folder/train/CLASS/*` and `folder/val/CLASS/*`, shuffled as a whole.

    Without such sub-folders the classes may be in the folder itself; a fifth of each is then kept
    to evaluate on.

    Args:
        folder: The folder.
        limits: At most so many images to train and to evaluate on, evenly spread; None for all.
        skip_unreadable: Whether to leave out images that cannot be read.
        remember: A file to keep the outcome of the check of the images in.
    """

    version = None

    def __init__(
        self,
        folder: Path,
        limits: tuple[int | None, int | None],
        *,
        skip_unreadable: bool,
        remember: Path | None,
    ) -> None:
        self.name = str(folder)
        self.class_names, *parts = _parts(folder)
        parts = [_limited(*part, limit) for part, limit in zip(parts, limits, strict=True)]
        files = [file for part_files, _ in parts for file in part_files]
        readable, note = readable_images(folder, files, skip_unreadable, remember)
        self.notes: tuple[str, ...] = (note,) if note else ()
        in_train = np.arange(len(files)) < len(parts[0][0])
        labels = np.concatenate([part_labels for _, part_labels in parts])
        for part, purpose in ((in_train, "train"), (~in_train, "evaluate")):
            self._check_classes(labels[part], labels[part & readable], purpose)
        paths = np.asarray([os.fsencode(file) for file in files])
        self._train = (paths[readable & in_train], labels[readable & in_train])
        self._evaluation = (paths[readable & ~in_train], labels[readable & ~in_train])
        self.train_size = len(self._train[0])
        self.evaluation_size = len(self._evaluation[0])

    def _check_classes(self, before: np.ndarray, after: np.ndarray, purpose: str) -> None:
        """Refuses to leave out all that there was of a class."""
        lost = np.setdiff1d(before, after)
        if lost.size:
            more = f", and of {lost.size - 1} more classes" if lost.size > 1 else ""
            raise InputError(
                f"{self.name}: class {self.class_names[lost[0]]}: all images to {purpose} on are "
                f"unreadable{more}. Replace them, or remove that class."
            )

    def training_records(self, order_seed: int, skip: int = 0) -> Any:
        order = np.random.default_rng(order_seed).permutation(self.train_size)
        return _records(*self._train, order[skip:])

    def evaluation_records(self) -> Any:
        return _records(*self._evaluation, np.arange(self.evaluation_size))


def _records(paths: np.ndarray, labels: np.ndarray, order: np.ndarray) -> Any:
    import tensorflow as tf

    paths, labels = tf.constant(paths), tf.constant(labels, tf.int64)
    return tf.data.Dataset.from_tensor_slices(order).map(
        lambda index: (tf.io.read_file(paths[index]), labels[index]),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _parts(folder: Path) -> tuple[tuple[str, ...], Any, Any]:
    """The names of the classes, then files and labels to train on and to evaluate on."""
    if not (folder / TRAIN).is_dir():
        names = _class_names(folder)
        files, labels = _labelled_files(folder, names)
        for name, count in zip(names, np.bincount(labels), strict=True):
            if count < 2:
                raise InputError(
                    f"{folder / name}: expected at least two images, one to train on and one to "
                    "evaluate on, got one. Add some, or remove that class."
                )
        test = held_out(labels)
        return names, (files[~test], labels[~test]), (files[test], labels[test])
    evaluation = next((folder / name for name in EVALUATION if (folder / name).is_dir()), None)
    if evaluation is None:
        raise InputError(f"{folder}: has a folder {TRAIN}, but none of {', '.join(EVALUATION)}.")
    names = _class_names(folder / TRAIN)
    if (others := _class_names(evaluation)) != names:
        odd = sorted(set(names) ^ set(others))
        raise InputError(
            f"{folder}: expected the same classes in {TRAIN} and {evaluation.name}, got "
            f"{len(names)} and {len(others)}. In one of them only: {', '.join(odd[:3])}."
        )
    return names, _labelled_files(folder / TRAIN, names), _labelled_files(evaluation, names)


def _class_names(folder: Path) -> tuple[str, ...]:
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(names) < 2:
        raise InputError(
            f"{folder}: expected at least two class folders of images, got {len(names)}."
        )
    for name in names:
        # It is a label of the .tflite files, a line each, and part of messages and cards.
        if not name.isprintable():
            raise InputError(
                f"{folder}: expected class folders with names of characters that can be printed, "
                f"got {name!a}. Rename it."
            )
    return tuple(names)


def _labelled_files(folder: Path, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        inside = sorted(
            p for p in (folder / name).iterdir() if p.is_file() and not p.name.startswith(".")
        )
        if not inside:
            raise InputError(f"{folder / name}: expected images, got none. Remove that class.")
        files += inside
        labels += [label] * len(inside)
    return np.asarray(files, object), np.asarray(labels)


def _limited(
    files: np.ndarray, labels: np.ndarray, limit: int | None
) -> tuple[np.ndarray, np.ndarray]:
    chosen = spread(len(files), limit)
    return files[chosen], labels[chosen]
