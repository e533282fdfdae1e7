"""What a checkpoint is calibrated and measured on, from the data of its recipe."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from recipe.pipeline import evaluation_batches, pixel_normalization, training_batches
from recipe.settings import Recipe
from recipe.sources import Source
from recipe.tensorflow_errors import data_errors

CALIBRATION_IMAGES = 256
ORDER_SEED = 0
FED_BATCHES = 4


@dataclasses.dataclass(frozen=True)
class _TrainingImages:
    """Training images, seen as those to evaluate on are: not augmented."""

    source: Source
    count: int

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def version(self) -> str | None:
        return self.source.version

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.source.class_names

    def evaluation_records(self) -> Any:
        return self.source.training_records(ORDER_SEED).take(self.count)


class DeploymentData:
    """Images as the network is fed them.

    Args:
        recipe: How they are preprocessed.
        source: The data.

    Attributes:
        class_names: In the order of the labels.
    """

    def __init__(self, recipe: Recipe, source: Source) -> None:
        # Of the batches that were fed in training only the range is wanted.
        batch_size = min(recipe.batch_size, source.train_size)
        self._recipe = dataclasses.replace(recipe, batch_size=batch_size)
        self._source = source
        self.class_names = source.class_names

    def calibration(self) -> np.ndarray:
        """Training images, not augmented: `(n, size, size, 3)` float32."""
        images = _TrainingImages(self._source, CALIBRATION_IMAGES)
        with data_errors(self._source.name):
            return np.concatenate([batch for batch, _ in evaluation_batches(images, self._recipe)])

    def fed_batches(self) -> Iterator[np.ndarray]:
        """The first images that the network was fed in training, augmented as they were."""
        batches = training_batches(self._source, self._recipe, epoch=0)
        with data_errors(self._source.name):
            for images, _ in itertools.islice(batches, FED_BATCHES):
                yield np.asarray(images)

    def test_batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All images to evaluate on, and the indices of their classes."""
        with data_errors(self._source.name):
            for images, labels in evaluation_batches(self._source, self._recipe):
                yield np.asarray(images), np.asarray(labels).argmax(axis=1)

    @property
    def preprocessing(self) -> str | None:
        """The name that `tflite_tools.convert` has for what is done to pixels, if it has one."""
        name = pixel_normalization(self._source, self._recipe).name
        return name if name == "torch" else None

    def describe(self) -> dict[str, Any]:
        """What a card says of the data."""
        normalization = pixel_normalization(self._source, self._recipe)
        return {
            "name": _short_name(self._source.name),
            "version": self._source.version,
            "classes": len(self.class_names),
            "class_names": list(self.class_names),
            "training_images": self._source.train_size,
            "evaluation_images": self._source.evaluation_size,
            "training_limit": self._recipe.train_limit,
            "evaluation_limit": self._recipe.evaluation_limit,
            "notes": list(self._source.notes),
            "preprocessing": {
                "size": self._recipe.image_size,
                "augmentation": self._recipe.augmentation,
                "mean": list(normalization.mean),
                "std": list(normalization.std),
            },
        }


def _short_name(name: str) -> str:
    """Of a folder the last part: where it is on a machine is nobody's business."""
    folder = Path(name)
    return folder.resolve().name if folder.is_dir() else name
