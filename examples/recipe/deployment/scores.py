"""Accuracies of Keras models and .tflite files on a test set that need not fit into memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np

import tflite_tools

TOP = 5
CHUNK_BYTES = 2**28

Batch = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Score:
    """How one model did on the test images.

    Attributes:
        samples: How many there were.
        top1: The share of them whose class it found.
        top5: The share whose class is among its first five; None with five classes or fewer.
        agreement: The share on which its first choice is that of the trained Keras model.
    """

    samples: int
    top1: float
    top5: float | None
    agreement: float


@dataclasses.dataclass
class _Count:
    samples: int = 0
    top1: int = 0
    top5: int | None = 0
    agreement: int = 0

    def add(self, samples: int, top1: float, top5: float | None, agreement: float) -> None:
        """Adds the shares of some samples: whole numbers again, so that none is rounded."""
        self.samples += samples
        self.top1 += round(top1 * samples)
        self.top5 = None if top5 is None or self.top5 is None else self.top5 + round(top5 * samples)
        self.agreement += round(agreement * samples)

    def score(self) -> Score:
        count = self.samples
        top5 = None if self.top5 is None else self.top5 / count
        return Score(count, self.top1 / count, top5, self.agreement / count)


def scores(
    trained: keras.Model,
    models: Mapping[str, keras.Model],
    files: Iterable[Path],
    batches: Iterable[Batch],
) -> dict[str, Score]:
    """Measures a trained Keras model, others and .tflite files on the same images.

    Args:
        trained: What all others are compared with; it stands under its own name in `models`.
        models: Keras models by what to call them.
        files: .tflite files; they are called by their names.
        batches: Images as the models are fed them, and indices of classes.
    """
    files = list(files)
    counts = {name: _Count() for name in (*models, *(file.name for file in files))}
    for images, labels in _chunks(batches):
        reference = _outputs(trained, images)
        for name, model in models.items():
            counts[name].add(*_figures(_outputs(model, images), reference, labels))
        if not files:
            continue
        report = tflite_tools.evaluate_files(files, (images, labels), reference=trained)
        for record in report.records:
            counts[record.file.name].add(record.samples, record.top1, record.top5, record.agreement)
    return {name: count.score() for name, count in counts.items()}


def _chunks(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Joins batches to as many images as fit into `CHUNK_BYTES`."""
    waiting: list[Batch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(images.nbytes for images, _ in waiting) >= CHUNK_BYTES:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[Batch]) -> Batch:
    images, labels = zip(*batches, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(images, verbose=0), np.float32)


def _figures(
    outputs: np.ndarray, reference: np.ndarray, labels: np.ndarray
) -> tuple[int, float, float | None, float]:
    top1 = _share(keras.metrics.SparseCategoricalAccuracy(), labels, outputs)
    top5 = None
    if outputs.shape[1] > TOP:
        top5 = _share(keras.metrics.SparseTopKCategoricalAccuracy(TOP), labels, outputs)
    agreement = float(np.mean(outputs.argmax(axis=1) == reference.argmax(axis=1)))
    return len(labels), top1, top5, agreement


def _share(metric: keras.Metric, labels: np.ndarray, outputs: np.ndarray) -> float:
    metric.update_state(labels, outputs)
    return float(metric.result())
