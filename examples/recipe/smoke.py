"""Images for a trial of a recipe where there is no data set."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from command_line import make_folder
from PIL import Image

from tflite_tools.output_folder import whole_file

CLASSES = ("blue", "green", "red")
SIDE = 36
EACH = {"train": 16, "val": 8}
COUNTS = tuple(len(CLASSES) * count for count in EACH.values())


def smoke_images(folder: Path) -> Path:
    """Writes noisy JPEGs of three colours as class folders into `folder/smoke_images`.

    Raises:
        InputError: if a folder cannot be made.
        ToolError: if an image cannot be written.
    """
    root = folder / "smoke_images"
    rng = np.random.default_rng(0)
    for part, count in EACH.items():
        for label, name in enumerate(CLASSES):
            inside = root / part / name
            make_folder(inside, [])
            for index in range(count):
                pixels = rng.integers(0, 128, (SIDE, SIDE + index % 3, 3))
                pixels[..., 2 - label] += 100
                _write(pixels.astype("uint8"), inside / f"{index:02}.jpg")
    return root


def _write(pixels: np.ndarray, file: Path) -> None:
    encoded = io.BytesIO()  # on a full disk Pillow itself leaves part of a file without a word
    Image.fromarray(pixels).save(encoded, format="JPEG")
    with whole_file(file) as temporary:
        temporary.write_bytes(encoded.getvalue())
