"""One network: trained, converted to every precision, evaluated and timed."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
from image_data import ImageData
from training import train

import keras_finet
import tflite_tools

PRECISIONS = ("float32", "float16", "dynamic_int8", "int8")
QAT = "int8, QAT"
NAMES = {"dynamic_int8": "dynamic int8", "int8": "int8, PTQ"}


@dataclasses.dataclass(frozen=True)
class Row:
    """How one file did.

    Attributes:
        network: What it was made of.
        seed: Of the training, and of the training for int8.
        precision: What it was made as.
        top1: The share of test images whose label it found.
        agreement: The share of test images on which its first choice is the Keras model's.
        size_bytes: Its size.
        latency_ms: The median time for one image on one thread.
        latency_ratio: The same, relative to the float32 file.
        note: What else is to be known of it.
    """

    network: str
    seed: int
    precision: str
    top1: float
    agreement: float
    size_bytes: int
    latency_ms: float
    latency_ratio: float
    note: str = ""


def train_model(
    file: Path, data: ImageData, squeeze_excite: bool, seed: int, options: argparse.Namespace
) -> None:
    """Trains a FinetSmall by the recipe of the examples and saves it."""
    keras.utils.set_random_seed(seed)
    model = keras_finet.FinetSmall(
        weights=None,
        classes=len(data.class_names),
        input_shape=data.train_images.shape[1:],
        stem="cifar",
        squeeze_excite=squeeze_excite,
    )
    train(
        model,
        (_preprocessed(data.train_images), data.train_labels),
        (_preprocessed(data.test_images), data.test_labels),
        epochs=options.epochs,
        seed=seed,
        eagerly=options.smoke,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    model.compile(jit_compile=False)  # drops the optimizer, whose state need not be saved
    # A run that is interrupted leaves no half of a model behind.
    unfinished = file.with_name(f"unfinished_{file.name}")
    model.save(unfinished)
    unfinished.replace(file)


def rows(
    network: str, seed: int, file: Path, data: ImageData, options: argparse.Namespace
) -> list[Row]:
    """Makes all files of a trained model and measures them; no test image is used before."""
    train_images, images = _preprocessed(data.train_images), _preprocessed(data.test_images)
    made = tflite_tools.convert(file, options.out, precisions=PRECISIONS, calibration=train_images)
    trained = tflite_tools.qat(
        file,
        options.out,
        train_images,
        data.train_labels,
        epochs=options.qat_epochs,
        seed=seed,
    )
    print(trained, flush=True)
    files = {NAMES.get(each.precision, each.precision): each.file for each in made.records}
    files[QAT] = trained.file
    notes = {QAT: f"{trained.chosen}, epoch {trained.best_epoch}"}
    latencies = tflite_tools.benchmark_host(files.values()).records
    model = keras.saving.load_model(file, compile=False)
    reference = _outputs(model, images)
    measured = []
    for (precision, path), latency in zip(files.items(), latencies, strict=True):
        found = tflite_tools.evaluate(path, images, data.test_labels, reference_outputs=reference)
        measured.append(
            Row(
                network=network,
                seed=seed,
                precision=precision,
                top1=found.top1,
                agreement=found.agreement,
                size_bytes=path.stat().st_size,
                latency_ms=latency.median_ms,
                latency_ratio=latency.ratio,
                note=notes.get(precision, ""),
            )
        )
    return measured


def _preprocessed(images: np.ndarray) -> np.ndarray:
    return keras_finet.preprocess_input(images.astype("float32"))


def _outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    batches = np.array_split(images, range(64, len(images), 64))
    return np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])
