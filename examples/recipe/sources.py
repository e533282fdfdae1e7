"""Where images and labels come from: TFDS data sets, folders of class folders, the digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from command_line import InputError

from recipe.digits_data import DIGITS, DigitsSource
from recipe.folder_data import FolderSource
from recipe.settings import Recipe
from recipe.tfds_data import TfdsSource
from tflite_tools.tfds_source import is_tfds_name


class Source(Protocol):
    """Encoded images (JPEG, PNG …) and their labels, to train on and to evaluate on.

    Attributes:
        name: As the user gave it.
        version: Of a TFDS data set; None of a folder.
        class_names: In the order of the labels.
        train_size: Number of training images.
        evaluation_size: Number of images to evaluate on.
        notes: What a user has to know, such as which images were left out; a line each.
    """

    name: str
    version: str | None
    class_names: tuple[str, ...]
    train_size: int
    evaluation_size: int
    notes: tuple[str, ...]

    def training_records(self, order_seed: int, skip: int = 0) -> Any:
        """Returns a `tf.data.Dataset` of (encoded image, label), in an order of the seed's own.

        Args:
            order_seed: The same seed gives the same order.
            skip: Number of records to leave out at the beginning of that order.
        """

    def evaluation_records(self) -> Any:
        """Returns a `tf.data.Dataset` of (encoded image, label), always in the same order."""


def open_source(
    recipe: Recipe,
    *,
    data_dir: Path | None = None,
    skip_unreadable: bool = False,
    remember: Path | None = None,
) -> Source:
    """Opens the data of a recipe.

    Args:
        recipe: Names the data set, and how many of its images are wanted.
        data_dir: Where TFDS data sets are; by default TFDS_DATA_DIR or ~/tensorflow_datasets. With
            it a name that a folder has too is that of a data set.
        skip_unreadable: Whether to leave out images of a folder that cannot be read.
        remember: A file to keep the outcome of the check of a folder's images in.

    Raises:
        InputError: for a folder that holds no such data, or unreadable images.
        ToolError: for a data set that TFDS does not have, or that is not prepared.
    """
    limits = (recipe.train_limit, recipe.evaluation_limit)
    folder = Path(recipe.dataset)
    is_name = is_tfds_name(recipe.dataset)
    if folder.is_dir() and not (is_name and data_dir is not None):
        source = FolderSource(folder, limits, skip_unreadable=skip_unreadable, remember=remember)
        if is_name:
            note = (
                f"{folder}: the folder of that name is used, not a TFDS data set. {folder}/ is the "
                "same without this line."
            )
            source.notes = (note, *source.notes)
        return source
    if recipe.dataset == DIGITS:
        return DigitsSource(recipe.image_size, limits)
    if is_name:
        return TfdsSource(recipe.dataset, limits, data_dir)
    raise InputError(
        f"{recipe.dataset}: expected a folder with the sub-folders train and val, each with a "
        "folder of images for each class, or the name of a TFDS data set."
    )
