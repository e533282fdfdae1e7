"""Samples with labels from wherever they are: folders, files, TFDS, Python objects."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.array_files import SUFFIXES, load_array_file
from tflite_tools.errors import ToolError
from tflite_tools.images import load_images
from tflite_tools.iterables import load_python
from tflite_tools.labels import LabelArray, class_indices, one_hot_columns
from tflite_tools.preprocessing import check_preprocessing
from tflite_tools.samples import FloatArray, checked_samples, spread
from tflite_tools.tfds_source import check_installed, is_tfds_name, load_tfds


@dataclass(frozen=True)
class LabelledSamples:
    """Samples that a model can be fed, with their classes if those are known.

    Attributes:
        samples: `(N, ...)`, float32, checked and preprocessed.
        labels: The N class indices; None if the source has none.
        class_names: The name of each class, if the source tells them.
        source: What the samples are from, for people.
        skipped: The files that could not be read and were left out.
        columns: How many classes one-hot labels tell apart; None for other labels.
    """

    samples: FloatArray
    labels: LabelArray | None
    class_names: tuple[str, ...] | None
    source: str
    skipped: tuple[Path, ...] = ()
    columns: int | None = None


def load_labelled(
    source: Any,
    sample_shape: Sequence[int],
    *,
    what: str = "dataset",
    split: str | None = None,
    limit: int | None = None,
    preprocessing: str = "torch",
    skip_unreadable: bool = False,
    labels: str = "optional",
    data_dir: str | os.PathLike[str] | None = None,
) -> LabelledSamples:
    """Returns the samples of a source as one checked float32 array, with their labels.

    Args:
        source: A path, if it exists: a folder of images, whose sub-folders are the classes, by
            sorted name; an `.npy` file; an `.npz` file with `x` and `y`, or `images` and
            `labels`. Else the name of a prepared TFDS data set. Or a Python object: an array, a
            pair `(samples, labels)`, an iterable of samples, batches or `(samples, labels)`. Only
            images are preprocessed: arrays are what the model is fed.
        sample_shape: The shape of one sample.
        what: How messages call the data.
        split: The split of a TFDS data set, or of an `.npz` file with `x_<split>`, `y_<split>`.
        limit: At most so many samples: evenly spread ones, or the first of an iterator, whose
            end is not known, and of a data set that TFDS has shuffled.
        preprocessing: "torch" (as `keras_finet.preprocess_input`), "tf" (-1 to 1), "unit"
            (0 to 1) or "none" (0 to 255), for images.
        skip_unreadable: Whether to leave out images of a folder that cannot be read.
        labels: "optional", "required" or "ignored".
        data_dir: Where TFDS data sets are; by default TFDS_DATA_DIR or ~/tensorflow_datasets.

    Raises:
        ToolError: The source cannot be used; the message says why and what to do.
    """
    check_source(source, what=what, limit=limit, preprocessing=preprocessing)
    path = _existing_path(source)
    if path is not None and path.is_dir():
        loaded = _from_folder(path, sample_shape, limit, preprocessing, skip_unreadable)
    elif path is not None:
        what = f"{what} {path}"
        samples, raw = load_array_file(path, split=split)
        positions = spread(len(samples), limit) if samples.ndim else ...
        loaded = _Raw(samples[positions], _at(raw, positions, samples, what), None, str(path))
    elif isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        found = load_tfds(
            name,
            sample_shape,
            split=split,
            limit=limit,
            preprocessing=preprocessing,
            data_dir=data_dir,
        )
        loaded = _Raw(*found, f"{name} ({split})")
    else:
        samples, raw = load_python(source, sample_shape, what=what, limit=limit)
        loaded = _Raw(samples, raw, None, f"the given {_kind(source)}")
    checked = checked_samples(loaded.samples, sample_shape, what=what)
    return LabelledSamples(
        checked,
        _checked_labels(loaded, len(checked), labels, what),
        loaded.class_names,
        loaded.source,
        loaded.skipped,
        one_hot_columns(loaded.labels),
    )


def check_source(source: Any, *, what: str, limit: int | None, preprocessing: str) -> None:
    """Refuses what can be seen to be wrong without loading anything."""
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ToolError(f"{what}: expected 1 or more samples, got a limit of {limit!r}.")
    check_preprocessing(preprocessing)
    if not isinstance(source, str | os.PathLike):
        return
    path = _existing_path(source)
    if path is None:
        name = os.fspath(source)
        if not is_tfds_name(str(name)):
            raise ToolError(f"{what}: no such file or folder: {name}.")
        check_installed(str(name))
    elif path.is_file() and path.suffix not in SUFFIXES:
        raise ToolError(
            f"{what}: expected an .npy file, an .npz file, a folder of images or the name of a "
            f"TFDS data set, got {path}."
        )


def check_classes(labelled: LabelledSamples, classes: int) -> None:
    """Refuses a data set with other classes than a model has.

    Args:
        labelled: The data set.
        classes: How many classes the model tells apart.
    """
    names, labels = labelled.class_names, labelled.labels
    if names is not None and len(names) != classes:
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise ToolError(
            f"{labelled.source}: expected the {classes} classes of the model, got a data set of "
            f"{len(names)} classes ({shown}). Give the data set that the model was trained on."
        )
    if labelled.columns not in (None, classes):
        raise ToolError(
            f"{labelled.source}: expected the {classes} classes of the model, got one-hot labels "
            f"of {labelled.columns} classes. Give the data set that the model was trained on."
        )
    if labels is not None and len(labels) and labels.max() >= classes:
        raise ToolError(
            f"{labelled.source}: expected labels from 0 to {classes - 1}, as the model has "
            f"{classes} classes, got values from {labels.min()} to {labels.max()}. Give the data "
            "set that the model was trained on."
        )


@dataclass(frozen=True)
class _Raw:
    """What a source holds, before it is checked."""

    samples: Any
    labels: Any
    class_names: tuple[str, ...] | None
    source: str
    skipped: tuple[Path, ...] = ()


def _existing_path(source: Any) -> Path | None:
    if not isinstance(source, str | os.PathLike):
        return None
    return Path(source) if os.path.exists(source) else None  # noqa: PTH110  (Path's raises on long names)


def _from_folder(
    folder: Path,
    sample_shape: Sequence[int],
    limit: int | None,
    preprocessing: str,
    skip_unreadable: bool,
) -> _Raw:
    images = load_images(
        folder,
        sample_shape,
        limit=limit,
        preprocessing=preprocessing,
        skip_unreadable=skip_unreadable,
    )
    names = _class_folders(folder)
    parts = [file.relative_to(folder).parts for file in images.files]
    # An image beside the sub-folders has no class: then they are no classes either.
    labelled = bool(names) and all(len(part) > 1 and part[0] in names for part in parts)
    index = {name: position for position, name in enumerate(names)}
    labels = [index[part[0]] for part in parts] if labelled else None
    class_names = tuple(names) if labelled else None
    return _Raw(images.pixels, labels, class_names, str(folder), images.skipped)


def _class_folders(folder: Path) -> list[str]:
    """Also those without an image: they count where a model was trained on such a folder."""
    entries = (entry for entry in folder.iterdir() if entry.is_dir())
    return sorted(entry.name for entry in entries if not entry.name.startswith("."))


def _at(labels: Any, positions: Any, samples: Any, what: str) -> Any:
    if labels is None:
        return None
    if labels.ndim == 0 or len(labels) != len(samples):
        raise ToolError(
            f"{what}: expected one label for each of {len(samples)} samples, got an array of "
            f"shape {labels.shape}."
        )
    return labels[positions]


def _checked_labels(loaded: _Raw, count: int, labels: str, what: str) -> LabelArray | None:
    if labels == "ignored":
        return None
    if loaded.labels is not None:
        return class_indices(loaded.labels, count, what=what)
    if labels == "required":
        raise ToolError(
            f"{loaded.source}: expected samples with labels, got samples only. Labels are known "
            "of a folder with one sub-folder for each class, an .npz file with the arrays x and "
            "y, a TFDS data set with a ClassLabel, and pairs (samples, labels)."
        )
    return None


def _kind(source: Any) -> str:
    return "array" if isinstance(source, np.ndarray) else type(source).__name__
