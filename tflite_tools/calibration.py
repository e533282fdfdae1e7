"""Sample inputs from wherever they are: arrays, iterables, .npy and .npz files, image folders."""

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.images import PREPROCESSING, load_images
from tflite_tools.samples import FloatArray, checked_samples, spread


def load_samples(
    source: Any,
    sample_shape: Sequence[int],
    *,
    what: str,
    limit: int | None = None,
    preprocessing: str = "torch",
) -> FloatArray:
    """Returns the samples of a source as one checked float32 array.

    Args:
        source: An array of samples; an iterable of samples, of batches, or of `(batch, label)`
            tuples; the path of an `.npy` file, of an `.npz` file with one array, or of a folder
            of images. Only images are preprocessed: arrays are what the model is fed.
        sample_shape: The shape of one sample.
        what: How messages call the samples, such as "calibration data".
        limit: At most so many samples: evenly spread ones, or the first of an iterator, whose
            end is not known.
        preprocessing: "torch" (as `keras_finet.preprocess_input`), "tf" (-1 to 1), "unit"
            (0 to 1) or "none" (0 to 255), for images.
    """
    check_source(source, what=what, limit=limit, preprocessing=preprocessing)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_dir():
            images = load_images(path, sample_shape, limit=limit, preprocessing=preprocessing)
            return checked_samples(images, sample_shape, what=what)
        what, source = f"{what} {path}", _load_array(path)
    elif not hasattr(source, "__array__"):
        source = _stacked(source, sample_shape, what, limit)
    array = source if isinstance(source, np.ndarray) else np.asarray(source)
    if array.ndim:
        array = array[spread(len(array), limit)]
    return checked_samples(array, sample_shape, what=what)


def check_source(source: Any, *, what: str, limit: int | None, preprocessing: str) -> None:
    """Refuses what can be seen to be wrong without loading anything."""
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ToolError(f"{what}: expected 1 or more samples, got a limit of {limit!r}.")
    if preprocessing not in PREPROCESSING:
        raise ToolError(
            f"preprocessing: expected one of {', '.join(PREPROCESSING)}, got {preprocessing}."
        )
    if not isinstance(source, str | os.PathLike):
        return
    path = Path(source)
    if not os.path.exists(path):  # noqa: PTH110  (Path's raises on long names)
        raise ToolError(f"{what}: no such file or folder: {path}.")
    if path.is_file() and path.suffix not in (".npy", ".npz"):
        raise ToolError(
            f"{what}: expected an .npy file, an .npz file or a folder of images, got {path}."
        )


def _load_array(path: Path) -> Any:
    try:
        # Memory-mapped: a few samples of a large file cost no more than those samples.
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            return loaded
        with loaded:
            return loaded[_only_name(path, loaded.files)]
    except ToolError:
        raise
    # A damaged file can fail in NumPy, in zipfile and in the decompression, by many types.
    except Exception as error:
        raise ToolError(
            f"{path}: expected an array of numbers saved with numpy.save or numpy.savez, got a "
            f"file that does not load ({type(error).__name__}: {error}). Save the samples again."
        ) from error


def _only_name(path: Path, names: Sequence[str]) -> str:
    if len(names) != 1:
        got = f"{len(names)}: {', '.join(names)}" if names else "none"
        raise ToolError(f"{path}: expected one array, got {got}. Save the samples alone.")
    return names[0]


def _stacked(source: Any, sample_shape: Sequence[int], what: str, limit: int | None) -> Any:
    if isinstance(source, dict) or not isinstance(source, Iterable):
        raise ToolError(
            f"{what}: expected an array, an iterable of arrays or a path, got "
            f"{type(source).__name__}."
        )
    samples = _single_samples(source, sample_shape, what)
    # Of a sequence all are read, to spread the choice; an iterator may have no end.
    kept = list(samples if isinstance(source, Sequence) else itertools.islice(samples, limit))
    return np.stack(kept) if kept else np.empty((0, *sample_shape))


def _single_samples(source: Iterable[Any], shape: Sequence[int], what: str) -> Iterator[Any]:
    for item in source:
        array = np.asarray(item[0] if isinstance(item, tuple) else item)
        batch = array if array.ndim == len(shape) + 1 else array[np.newaxis]
        if batch.shape[1:] != tuple(shape):
            raise ToolError(
                f"{what}: expected samples of shape {tuple(shape)}, or batches of them, got an "
                f"array of shape {array.shape}."
            )
        yield from batch
