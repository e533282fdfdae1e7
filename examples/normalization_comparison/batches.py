"""The order of the images and their shifts: by seed and epoch alone, the same for all variants."""

from __future__ import annotations

import keras
import numpy as np
from training import random_shifts, shifted

from normalization_comparison.setting import Setting

ORDER = 0x0F2DE2  # keeps these random numbers apart from all others of the same seed


def epoch_plan(setting: Setting, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns which images are in each step, `(steps, batch)`, and their corners, `(…, 2)`."""
    rng = np.random.default_rng((ORDER, seed, epoch))
    shape = setting.steps_per_epoch, setting.batch
    order = rng.permutation(setting.train_images)[: shape[0] * shape[1]]
    return order.reshape(shape), random_shifts(rng, *shape, shift=setting.shift)


class PlannedBatches(keras.utils.PyDataset):
    """The batches of one epoch: images and their labels."""

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        plan: tuple[np.ndarray, np.ndarray],
        image_size: int,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.images = images
        self.labels = labels
        self.chosen, self.corners = plan

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.chosen[index]
        images = shifted(self.images, chosen, self.corners[index], self.image_size)
        return images, self.labels[chosen]
