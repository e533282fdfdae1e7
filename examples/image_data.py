"""Labelled images for the examples: scikit-learn's digits, or a folder of class sub-folders."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from pathlib import Path

import numpy as np
from command_line import InputError
from PIL import Image, ImageOps

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
TEST_SHARE = 0.2
SPLIT_SEED = 0  # fixed: runs with different seeds train and test on the same images


@dataclasses.dataclass(frozen=True)
class ImageData:
    """Images as uint8 RGB in [0, 255], `(n, size, size, 3)`, and their integer labels."""

    name: str
    class_names: list[str]
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def __str__(self) -> str:
        return (
            f"{self.name}: {len(self.train_labels)} images to train on, {len(self.test_labels)} to "
            f"test on, {len(self.class_names)} classes"
        )

    @functools.cached_property
    def sha256(self) -> str:
        """Of all images and labels."""
        digest = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def with_fewer_images(self, most: int) -> ImageData:
        """Returns the same data with at most so many images to train and to test on."""
        train = np.linspace(0, len(self.train_labels) - 1, most).astype(int)
        test = np.linspace(0, len(self.test_labels) - 1, most).astype(int)
        return dataclasses.replace(
            self,
            train_images=self.train_images[np.unique(train)],
            train_labels=self.train_labels[np.unique(train)],
            test_images=self.test_images[np.unique(test)],
            test_labels=self.test_labels[np.unique(test)],
        )


def load_digits(size: int) -> ImageData:
    """Loads the 1797 handwritten digits that scikit-learn ships (8×8 pixels), enlarged."""
    import sklearn.datasets

    digits = sklearn.datasets.load_digits()
    small = np.round(digits.images * (255 / 16)).astype(np.uint8)
    images = np.stack([_to_rgb(Image.fromarray(image), size) for image in small])
    class_names = [str(name) for name in digits.target_names]
    return _split("scikit-learn's handwritten digits", class_names, images, digits.target)


def load_folder(folder: Path, size: int) -> ImageData:
    """Loads `folder/<class name>/<image file>`, cropped to squares and resized."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.")
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise InputError(
            f"{folder} has {len(classes)} sub-folder(s): a classifier needs at least two classes, "
            "each a sub-folder of images."
        )
    images, labels = [], []
    for label, class_folder in enumerate(classes):
        files = sorted(p for p in class_folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        if len(files) < 2:
            raise InputError(
                f"{class_folder} holds {len(files)} image(s): every class needs at least two, "
                "one to train on and one to test on."
            )
        images += [_read(file, size) for file in files]
        labels += [label] * len(files)
    return _split(str(folder), [c.name for c in classes], np.stack(images), np.array(labels))


def held_out(labels: np.ndarray) -> np.ndarray:
    """Whether each image is to test on: a fifth of each class at random, always the same."""
    rng = np.random.default_rng(SPLIT_SEED)
    is_test = np.zeros(len(labels), bool)
    for label in range(labels.max() + 1):
        members = rng.permutation(np.flatnonzero(labels == label))
        is_test[members[: max(1, round(TEST_SHARE * len(members)))]] = True
    return is_test


def _read(file: Path, size: int) -> np.ndarray:
    # Only now: the digits and the characters need no LiteRT.
    from tflite_tools.eight_bits import eight_bits

    try:
        with Image.open(file) as image:
            return _to_rgb(eight_bits(ImageOps.exif_transpose(image)), size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{file} cannot be read as an image: {error}") from error


def _to_rgb(image: Image.Image, size: int) -> np.ndarray:
    return np.asarray(ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BILINEAR))


def _split(name: str, class_names: list[str], images: np.ndarray, labels: np.ndarray) -> ImageData:
    is_test = held_out(labels)
    return ImageData(
        name, class_names, images[~is_test], labels[~is_test], images[is_test], labels[is_test]
    )
