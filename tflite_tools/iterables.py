"""Samples and labels from Python: arrays, lists, generators, data loaders."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.samples import spread

_SAMPLE_NAMES = ("image", "images", "x")
_LABEL_NAMES = ("label", "labels", "y")


def load_python(
    source: Any, sample_shape: Sequence[int], *, what: str, limit: int | None
) -> tuple[Any, Any]:
    """The samples of a Python object, and the labels if it has some.

    Args:
        source: An array of samples; a pair `(samples, labels)` of arrays; an iterable of
            samples, of batches, or of `(samples, labels)` tuples or dicts, as loaders yield them.
        sample_shape: The shape of one sample.
        what: How messages call the data.
        limit: At most so many samples: evenly spread ones, or the first of an iterator, whose
            end is not known.
    """
    if hasattr(source, "__array__"):
        return _chosen(np.asarray(source), None, limit)
    if isinstance(source, tuple) and _is_pair_of_arrays(source, sample_shape):
        return _chosen(np.asarray(source[0]), np.asarray(source[1]), limit)
    if isinstance(source, dict) or not isinstance(source, Iterable):
        raise ToolError(
            f"{what}: expected an array, an iterable of arrays or a path, got "
            f"{type(source).__name__}."
        )
    examples = _single_examples(source, sample_shape, what)
    # Of a sequence all are read, to spread the choice; an iterator may have no end.
    kept = list(examples if isinstance(source, Sequence) else itertools.islice(examples, limit))
    if not kept:
        return np.empty((0, *sample_shape)), None
    samples, labels = zip(*kept, strict=True)
    complete = all(label is not None for label in labels)
    return _chosen(np.stack(samples), _stacked(labels, what) if complete else None, limit)


def _chosen(samples: Any, labels: Any, limit: int | None) -> tuple[Any, Any]:
    if not samples.ndim:
        return samples, labels
    positions = spread(len(samples), limit)
    return samples[positions], None if labels is None else labels[positions]


def _is_pair_of_arrays(pair: tuple[Any, ...], sample_shape: Sequence[int]) -> bool:
    if len(pair) != 2 or not all(hasattr(member, "__array__") for member in pair):
        return False
    samples, labels = map(np.shape, pair)
    return samples[1:] == tuple(sample_shape) and labels[:1] == samples[:1] and len(labels) <= 2


def _single_examples(
    source: Iterable[Any], shape: Sequence[int], what: str
) -> Iterator[tuple[Any, Any]]:
    """One sample at a time with its label, or with None."""
    for item in source:
        samples, labels = _parts(item, shape, what)
        array = np.asarray(samples)
        single = array.ndim != len(shape) + 1
        batch = array[np.newaxis] if single else array
        if batch.shape[1:] != tuple(shape):
            raise ToolError(
                f"{what}: expected samples of shape {tuple(shape)}, or batches of them, got an "
                f"array of shape {array.shape}."
            )
        yield from zip(batch, _label_of_each(labels, len(batch), single, what), strict=True)


def _parts(item: Any, shape: Sequence[int], what: str) -> tuple[Any, Any]:
    """The samples and the labels of what a loader yields."""
    if isinstance(item, dict):
        names = [name for name in _SAMPLE_NAMES if name in item]
        if not names:
            raise ToolError(
                f"{what}: expected dicts with {' or '.join(_SAMPLE_NAMES)}, got the keys "
                f"{', '.join(map(str, item))}."
            )
        return item[names[0]], next((item[name] for name in _LABEL_NAMES if name in item), None)
    if isinstance(item, tuple):
        return item[0], item[1] if len(item) > 1 else None
    # PyTorch's DataLoader yields lists, which a sample may be as well.
    if isinstance(item, list) and len(item) == 2 and np.ndim(item[0]) >= len(shape) > 0:
        return item[0], item[1]
    return item, None


def _label_of_each(labels: Any, count: int, single: bool, what: str) -> Sequence[Any]:
    if labels is None or isinstance(labels, str):
        return [None] * count
    array = np.asarray(labels)
    rows = array[np.newaxis] if single else array
    if rows.shape[:1] != (count,):
        raise ToolError(
            f"{what}: expected {count} labels with a batch of {count} samples, got an array of "
            f"shape {array.shape}."
        )
    return list(rows)


def _stacked(labels: Sequence[Any], what: str) -> Any:
    try:
        return np.stack(labels)
    except ValueError as error:
        raise ToolError(f"{what}: expected labels of one shape, got several.") from error
