"""What is trained, on which data and how: the paper's rows, and what a user may change in them."""

from __future__ import annotations

import dataclasses
from typing import Any

from command_line import InputError

# Public builders of keras_finet by the names of the command line, and which of a recipe's settings
# each takes.
_FINE_GRAINED = ("groups", "channels_per_group", "affine", "stem")
_FINET = (*_FINE_GRAINED, "squeeze_excite", "dropout")
MODELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "finet_large": ("FinetLarge", _FINET),
    "finet_small": ("FinetSmall", _FINET),
    "resnet18": ("ResNet18", _FINE_GRAINED),
    "resnet50": ("ResNet50", _FINE_GRAINED),
    "shufflenet_v2": ("ShuffleNetV2", ("stem",)),
    "mnasnet": ("MnasNet", ("dropout",)),
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training run. Two equal recipes with the same data and seed train the same weights.

    Attributes:
        dataset: A name that TFDS knows, such as "cifar10", or a folder of class folders.
        model: One of `MODELS`.
        groups: Of every fine-grained batch normalisation; None for the builder's default.
        channels_per_group: Instead of `groups` (Table 6).
        affine: Whether the fine-grained normalisations have factors and offsets (Table 5).
        squeeze_excite: Whether Finet's blocks have a squeeze-excite gate.
        stem: "imagenet" or "cifar".
        dropout: Rate before each of Finet's two last fully connected layers.
        image_size: Side of the square images that the network sees.
        augmentation: "random_resized_crop" (section 5.1) or "pad_and_crop" (section 5.3).
        epochs: How often to go over the training images.
        batch_size: Images in a step, over all devices. A last, smaller batch is left out.
        learning_rate: The first one.
        drops: Epochs at which the learning rate is divided by ten; without any it falls linearly
            to 0.
        momentum: Of stochastic gradient descent.
        weight_decay: L2 on all parameters, as PyTorch's SGD has it.
        warmup_epochs: Epochs in which the learning rate rises to its value.
        label_smoothing: Share of each label that is spread over all classes.
        mixed_precision: None, "float16" or "bfloat16".
        ema: Momentum of a moving average of the weights, which is what is evaluated and kept; None
            for no average.
        seed: Of the first weights, the order of the images, augmentation and dropout.
        train_limit: At most so many training images.
        evaluation_limit: At most so many images to evaluate on.
    """

    dataset: str
    model: str = "finet_large"
    groups: int | None = None
    channels_per_group: int | None = None
    affine: bool = True
    squeeze_excite: bool = True
    stem: str = "imagenet"
    dropout: float = 0.2
    image_size: int = 224
    augmentation: str = "random_resized_crop"
    epochs: int = 320
    batch_size: int = 512
    learning_rate: float = 0.2
    drops: tuple[int, ...] = ()
    momentum: float = 0.9
    weight_decay: float = 4e-5
    warmup_epochs: int = 0
    label_smoothing: float = 0.0
    mixed_precision: str | None = None
    ema: float | None = None
    seed: int = 0
    train_limit: int | None = None
    evaluation_limit: int | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"model: expected one of {', '.join(MODELS)}, got {self.model}.")
        if self.groups is not None and self.channels_per_group is not None:
            raise InputError(
                "groups, channels per group: expected one of them, got both. Leave one out."
            )
        untouched = {"groups": None, "channels_per_group": None, "affine": True}
        for name, default in untouched.items():
            if name not in MODELS[self.model][1] and getattr(self, name) != default:
                raise InputError(
                    f"{name.replace('_', ' ')}: {self.model} has no fine-grained batch "
                    "normalization. Leave that option out, or choose a Finet or a ResNet."
                )
        if self.stem != "imagenet" and "stem" not in MODELS[self.model][1]:
            raise InputError(
                f"model: {self.model} has no stem for small images. Choose another, or the recipe "
                "for ImageNet."
            )

    def with_epochs(self, epochs: int) -> Recipe:
        """The same schedule over another number of epochs: its drops move along."""
        drops = tuple(round(drop * epochs / self.epochs) for drop in self.drops)
        return dataclasses.replace(self, epochs=epochs, drops=drops)

    def as_json(self) -> dict[str, Any]:
        """All settings as JSON holds them."""
        return {**dataclasses.asdict(self), "drops": list(self.drops)}


# Section 5.1. The images per step are those of all four GPUs together.
IMAGENET = Recipe(dataset="imagenet2012")

# Section 5.3.
CIFAR = Recipe(
    dataset="cifar10",
    stem="cifar",
    image_size=32,
    augmentation="pad_and_crop",
    epochs=200,
    batch_size=128,
    learning_rate=0.1,
    drops=(100, 150),
    weight_decay=5e-4,
)
# "The batch size is set to 64 since training ResNet with FBN consumes a lot of GPU memories."
CIFAR_RESNET_BATCH_SIZE = 64


def imagenet(**changes: Any) -> Recipe:
    """The recipe of section 5.1 with some settings changed."""
    return _changed(IMAGENET, changes)


def cifar(**changes: Any) -> Recipe:
    """The recipe of section 5.3 with some settings changed; ResNets have smaller batches."""
    base = CIFAR
    if changes.get("model", base.model).startswith("resnet"):
        base = dataclasses.replace(base, batch_size=CIFAR_RESNET_BATCH_SIZE)
    return _changed(base, changes)


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    if "epochs" in changes and "drops" not in changes:
        recipe = recipe.with_epochs(changes["epochs"])
    return dataclasses.replace(recipe, **changes)
