"""What all variants and seeds of a comparison have in common. Known before Keras is imported."""

from __future__ import annotations

import dataclasses
import functools

from image_data import ImageData, load_digits

IMAGE_SIZE = 32
BACKENDS = ("tensorflow", "jax", "torch")
MODELS = {"finet_small": "FinetSmall", "finet_large": "FinetLarge"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a data set is trained on, where the command line does not say otherwise.

    Attributes:
        epochs: How often the training images are gone over.
        batch: Images in a step.
        optimizer: A key of `optimizers.OPTIMIZERS`.
        learning_rate: The highest, after the warm-up.
        shift: By how many pixels training images are shifted at most, at random.
    """

    epochs: int
    batch: int
    optimizer: str
    learning_rate: float
    shift: int


RECIPES = {
    # SGD takes thousands of steps here before it finds anything. Every image is shifted already.
    "characters": Recipe(epochs=10, batch=128, optimizer="adam", learning_rate=0.001, shift=0),
    # That of the other examples.
    "digits": Recipe(epochs=20, batch=64, optimizer="sgd", learning_rate=0.05, shift=3),
}
TRAIN_CHARACTERS = 30_000
TEST_CHARACTERS = 6_200  # 100 of each class


@dataclasses.dataclass(frozen=True)
class Setting:
    """One data set and network on one backend, and how it is trained.

    Attributes:
        data: A key of `RECIPES`.
        model: A key of `MODELS`.
        backend: Keras' backend.
        train_images: How many images there are to train on.
        test_images: How many to test on.
        epochs: How often the training images are gone over.
        batch: Images in a step.
        optimizer: A key of `optimizers.OPTIMIZERS`.
        learning_rate: The highest, after the warm-up.
        shift: By how many pixels training images are shifted at most, at random.
    """

    data: str
    model: str
    backend: str
    train_images: int
    test_images: int
    epochs: int
    batch: int
    optimizer: str
    learning_rate: float
    shift: int

    def __str__(self) -> str:
        return (
            f"{MODELS[self.model]} on {self.data}, {self.train_images:,} training images, "
            f"{self.epochs} epochs, batch {self.batch}, {self.backend}"
        )

    @property
    def folder(self) -> str:
        """The name of the folder of its runs."""
        return (
            f"{self.data}_{self.model}_{self.backend}_{self.train_images}images_{self.epochs}epochs"
        )

    @property
    def steps_per_epoch(self) -> int:
        """A last, smaller batch is dropped: batch statistics want full ones."""
        return self.train_images // self.batch


@functools.cache
def load(data: str, train_images: int | None) -> ImageData:
    """Loads a data set with so many training images, or as many as its recipe says."""
    if data == "characters":
        # Only now: it needs Matplotlib.
        from character_images import load_characters

        return load_characters(*_sizes_of_characters(train_images))
    digits = load_digits(IMAGE_SIZE)
    return digits.with_fewer_images(train_images) if train_images else digits


def _sizes(data: str, train_images: int | None) -> tuple[int, int]:
    """Images to train on and to test on; characters need not be drawn to be counted."""
    if data == "characters":
        return _sizes_of_characters(train_images)
    digits = load(data, train_images)
    return len(digits.train_labels), len(digits.test_labels)


def _sizes_of_characters(train_images: int | None) -> tuple[int, int]:
    wanted = train_images or TRAIN_CHARACTERS
    return wanted, min(TEST_CHARACTERS, wanted)


def setting(
    data: str,
    model: str,
    backend: str,
    *,
    train_images: int | None = None,
    epochs: int | None = None,
) -> Setting:
    """Returns the setting of a network on a data set; None: what the recipe says."""
    recipe = RECIPES[data]
    trained, tested = _sizes(data, train_images)
    return Setting(
        data=data,
        model=model,
        backend=backend,
        train_images=trained,
        test_images=tested,
        epochs=epochs or recipe.epochs,
        batch=min(recipe.batch, trained),
        optimizer=recipe.optimizer,
        learning_rate=recipe.learning_rate,
        shift=recipe.shift,
    )
