"""What all variants and seeds of a comparison have in common. Known before Keras is imported."""

from __future__ import annotations

import dataclasses
import functools

from image_data import ImageData, load_digits

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
        image_size: Side of the square images, in pixels.
        stem: The network's argument: "imagenet" takes a sixteenth of the work of "cifar".
        characters: Of a data set that is drawn: how many to train on.
    """

    epochs: int
    batch: int
    optimizer: str
    learning_rate: float
    shift: int
    image_size: int
    stem: str = "cifar"
    characters: int | None = None


# SGD takes thousands of steps on characters before it finds anything. Every one is shifted already.
CHARACTERS = Recipe(
    epochs=10,
    batch=128,
    optimizer="adam",
    learning_rate=0.001,
    shift=0,
    image_size=32,
    characters=30_000,
)
RECIPES = {
    "characters": CHARACTERS,
    # What a CPU can train on: a cheaper network, and small batches for as many steps.
    "few_characters": dataclasses.replace(
        CHARACTERS,
        epochs=8,
        batch=32,
        learning_rate=0.003,
        stem="imagenet",
        characters=20_000,
    ),
    # As in the other examples, whose images are larger. scikit-learn's have 8×8 pixels.
    "digits": Recipe(
        epochs=20, batch=64, optimizer="sgd", learning_rate=0.05, shift=2, image_size=16
    ),
}
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
        image_size: Side of the square images, in pixels.
        stem: The network's argument.
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
    image_size: int
    stem: str

    def __str__(self) -> str:
        return (
            f"{MODELS[self.model]} on {self.data.replace('_', ' ')}, {self.train_images:,} "
            f"training images, {self.epochs} epochs, batch {self.batch}, {self.backend}"
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
    recipe = RECIPES[data]
    if recipe.characters:
        # Only now: it needs Matplotlib.
        from character_images import load_characters

        return load_characters(*_sizes(data, train_images))
    digits = load_digits(recipe.image_size)
    return digits.with_fewer_images(train_images) if train_images else digits


def _sizes(data: str, train_images: int | None) -> tuple[int, int]:
    """Images to train on and to test on; characters need not be drawn to be counted."""
    if drawn := RECIPES[data].characters:
        wanted = train_images or drawn
        return wanted, min(TEST_CHARACTERS, wanted)
    digits = load(data, train_images)
    return len(digits.train_labels), len(digits.test_labels)


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
        image_size=recipe.image_size,
        stem=recipe.stem,
    )
