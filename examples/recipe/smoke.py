"""Images for a trial of a recipe where there is no data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("blue", "green", "red")
SIDE = 36
EACH = {"train": 16, "val": 8}


def smoke_images(folder: Path) -> Path:
    """Writes noisy JPEGs of three colours as class folders into `folder/smoke_images`."""
    root = folder / "smoke_images"
    rng = np.random.default_rng(0)
    for part, count in EACH.items():
        for label, name in enumerate(CLASSES):
            inside = root / part / name
            inside.mkdir(parents=True, exist_ok=True)
            for index in range(count):
                pixels = rng.integers(0, 128, (SIDE, SIDE + index % 3, 3))
                pixels[..., 2 - label] += 100
                Image.fromarray(pixels.astype("uint8")).save(inside / f"{index:02}.jpg")
    return root
