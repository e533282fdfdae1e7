"""Accuracy and latency of Keras models and .tflite files, side by side."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import keras
import numpy as np

import tflite_tools
from tflite_tools.flatbuffer import op_histogram
from tflite_tools.output_folder import whole_file

BATCH_SIZE = 64
LATENCY_RUNS = 100


@dataclasses.dataclass(frozen=True)
class Row:
    """How one model did.

    Attributes:
        model: What to call it.
        top1: The share of images whose label it found.
        agreement: The share of images on which its first choice is that of the reference.
        size_bytes: The size of its file.
        graph: How many layers or ops it has.
        latency_ms: The median time for one image.
        latency_ratio: The same, relative to the first model that was measured with it.
    """

    model: str
    top1: float
    agreement: float
    size_bytes: int
    graph: str
    latency_ms: float
    latency_ratio: float


def export_as_trained(model: keras.Model, file: Path) -> Path:
    """Converts a model by Keras' own means, without fusing it: a baseline for the fused files."""
    signature = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32")
    with whole_file(file) as temporary:
        model.export(str(temporary), format="litert", input_signature=[signature], verbose=False)
    return file


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    batches = np.array_split(images, range(BATCH_SIZE, len(images), BATCH_SIZE))
    return np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])


def keras_rows(
    models: dict[str, tuple[keras.Model, Path]],
    images: np.ndarray,
    labels: np.ndarray,
    reference: np.ndarray,
) -> list[Row]:
    """Evaluates and times Keras models; the latencies are relative to the first."""
    latencies = keras_latencies([model for model, _ in models.values()], images[:1])
    rows = []
    for (name, (model, file)), latency in zip(models.items(), latencies, strict=True):
        chosen = predict(model, images).argmax(-1)
        rows.append(
            Row(
                model=name,
                top1=float(np.mean(chosen == labels)),
                agreement=float(np.mean(chosen == reference.argmax(-1))),
                size_bytes=file.stat().st_size,
                graph=f"{len(model.layers)} layers",
                latency_ms=latency,
                latency_ratio=latency / latencies[0],
            )
        )
    return rows


def keras_latencies(models: list[keras.Model], image: np.ndarray) -> list[float]:
    """Returns the median milliseconds of each model for one image; the models take turns."""
    for model in models:
        model.predict_on_batch(image)
    times = np.empty((LATENCY_RUNS, len(models)))
    for run in range(LATENCY_RUNS):
        for index, model in enumerate(models):
            started = time.perf_counter()
            model.predict_on_batch(image)
            times[run, index] = time.perf_counter() - started
    return [float(median) for median in 1000 * np.median(times, axis=0)]


def tflite_rows(
    files: dict[str, Path], images: np.ndarray, labels: np.ndarray, reference: np.ndarray
) -> list[Row]:
    """Evaluates and times .tflite files against the trained Keras model's outputs."""
    rows = []
    latencies = tflite_tools.benchmark_host(files.values()).records
    for (name, file), latency in zip(files.items(), latencies, strict=True):
        content = file.read_bytes()
        evaluation = tflite_tools.evaluate(file, images, labels, reference_outputs=reference)
        rows.append(
            Row(
                model=name,
                top1=evaluation.top1,
                agreement=evaluation.agreement,
                size_bytes=len(content),
                graph=f"{sum(op_histogram(content).values())} ops",
                latency_ms=latency.median_ms,
                latency_ratio=latency.ratio,
            )
        )
    return rows
