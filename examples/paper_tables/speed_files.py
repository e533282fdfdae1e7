"""The .tflite files of Table 4, made once and used again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import rich.console
import rich.progress
from random_models import random_images, randomize_statistics

import keras_finet
import tflite_tools

PRECISIONS = ("float32", "int8")
CALIBRATION = 16


def make_files(networks: Mapping[str, Callable[[], Any]], folder: Path) -> dict[str, list[Path]]:
    """Converts the networks whose files are not in the folder yet.

    Args:
        networks: Their builders by their names.
        folder: Where the files go.

    Returns:
        For each precision the files in the order of the networks.
    """
    files = {
        name: {precision: folder / f"{stem(name)}_{precision}.tflite" for precision in PRECISIONS}
        for name in networks
    }
    missing = [name for name in networks if not all(f.exists() for f in files[name].values())]
    progress = rich.progress.track(
        missing,
        "Building and converting ...",
        console=rich.console.Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    for name in progress:
        keras.utils.set_random_seed(0)
        convert(networks[name](), folder, stem(name))
    return {precision: [files[name][precision] for name in networks] for precision in PRECISIONS}


def convert(model: Any, folder: Path, name: str) -> None:
    """Writes the files of a network of random weights, with statistics like a trained one's."""
    images = keras_finet.preprocess_input(random_images(CALIBRATION, model.input_shape[1]))
    randomize_statistics(model, images)
    tflite_tools.convert(
        model, folder, precisions=PRECISIONS, calibration=images, inputs=images, name=name
    )
    keras.backend.clear_session(free_memory=True)


def stem(name: str) -> str:
    return name.lower().replace(", ", "_").replace(" ", "_")
