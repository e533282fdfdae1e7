"""What is trained, on which data and how: the paper's rows, and what a user may change in them."""

from __future__ import annotations

import dataclasses
from typing import Any

from command_line import InputError

# Public builders of keras_finet by the names of the command line, and which of a recipe's settings
# each takes.
_NORMALIZED = ("groups", "channels_per_group", "affine", "normalization")
_FINE_GRAINED = (*_NORMALIZED, "stem")
_FINET = (*_FINE_GRAINED, "squeeze_excite", "dropout")
MODELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "finet_large": ("FinetLarge", _FINET),
    "finet_small": ("FinetSmall", _FINET),
    "resnet18": ("ResNet18", _FINE_GRAINED),
    "resnet50": ("ResNet50", _FINE_GRAINED),
    "shufflenet_v2": ("ShuffleNetV2", ("stem",)),
    "mnasnet": ("MnasNet", ("dropout",)),
    "cifar_vgg16": ("CifarVGG16", _NORMALIZED),
    "wide_resnet": ("WideResNet", ("normalization",)),
    "reactnet18": ("ReActNet18", ("normalization", "stem")),
    "reactnet_a": ("ReActNetA", ("normalization", "stem")),
}
FOR_SMALL_IMAGES = ("cifar_vgg16", "wide_resnet")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training run. Two equal recipes with the same data and seed train the same weights.

    Attributes:
        dataset: A name that TFDS knows, such as "cifar10", or a folder of class folders.
        model: One of `MODELS`.
        groups: Of every fine-grained batch normalisation; None for the builder's default.
        channels_per_group: Instead of `groups` (Table 6).
        affine: Whether the fine-grained normalisations have factors and offsets (Table 5).
        normalization: The builder's argument of this name; None for its default.
        squeeze_excite: Whether Finet's blocks have a squeeze-excite gate.
        stem: "imagenet" or "cifar".
        dropout: Rate before each of Finet's two last fully connected layers.
        image_size: Side of the square images that the network sees.
        augmentation: "random_resized_crop" (section 5.1), "pad_and_crop" (section 5.3) or
            "shift_and_cut_out" (arXiv 1907.06916).
        epochs: How often to go over the training images.
        batch_size: Images in a step, over all devices. A last, smaller batch is left out.
        learning_rate: The first one.
        drops: Epochs, or parts of them, after which the learning rate is divided by ten; without
            any it falls linearly to 0, unless `cosine_to` is given.
        cosine_to: What the learning rate falls to along a cosine; None for no cosine.
        momentum: Of stochastic gradient descent.
        weight_decay: L2 on all parameters, as PyTorch's SGD has it.
        warmup_epochs: Epochs, or parts of them, in which the learning rate rises to its value.
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
    normalization: str | None = None
    squeeze_excite: bool = True
    stem: str = "imagenet"
    dropout: float = 0.2
    image_size: int = 224
    augmentation: str = "random_resized_crop"
    epochs: int = 320
    batch_size: int = 512
    learning_rate: float = 0.2
    drops: tuple[float, ...] = ()
    cosine_to: float | None = None
    momentum: float = 0.9
    weight_decay: float = 4e-5
    warmup_epochs: float = 0
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
        normalization = ("fine-grained batch normalization", "a Finet or a ResNet")
        untouched = {
            "groups": (None, *normalization),
            "channels_per_group": (None, *normalization),
            "affine": (True, *normalization),
            "normalization": (None, *normalization),
            "squeeze_excite": (True, "squeeze-excite that can be left out", "a Finet"),
        }
        for name, (default, what, models) in untouched.items():
            if name not in MODELS[self.model][1] and getattr(self, name) != default:
                raise InputError(
                    f"{name.replace('_', ' ')}: {self.model} has no {what}. Leave that option "
                    f"out, or choose {models}."
                )
        if self.warmup_epochs > self.epochs:
            raise InputError(
                f"warm-up: expected at most the {self.epochs} epochs of the run, got "
                f"{self.warmup_epochs:g}."
            )
        has_stems = "stem" in MODELS[self.model][1] or self.model in FOR_SMALL_IMAGES
        if self.stem != "imagenet" and not has_stems:
            raise InputError(
                f"model: {self.model} has no stem for small images. Choose another, or the recipe "
                "for ImageNet."
            )

    def with_epochs(self, epochs: int) -> Recipe:
        """The same schedule over another number of epochs: drops and warm-up move along."""
        *drops, warmup = (when * epochs / self.epochs for when in (*self.drops, self.warmup_epochs))
        return dataclasses.replace(self, epochs=epochs, drops=tuple(drops), warmup_epochs=warmup)

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


FBN = "fbn"
# MimicNorm; images are augmented as in sections 5.1 and 5.3.
MIMIC_NORM_IMAGENET = dataclasses.replace(
    IMAGENET,
    model="resnet50",
    normalization="mimic_norm",
    epochs=90,
    batch_size=256,
    learning_rate=0.1,
    drops=(30, 60, 85),
    weight_decay=1e-4,
)
MIMIC_NORM_CIFAR = dataclasses.replace(
    CIFAR,
    dataset="cifar100",
    model="resnet18",
    normalization="mimic_norm",
    epochs=150,
    batch_size=256,
    drops=(80, 110, 135),
    warmup_epochs=2,
)
# arXiv 1907.06916. Its L2 penalty of 2.5e-4 w² has the gradient 5e-4 w; it has none on the factors
# and offsets of the images' normalisation.
SHIFTED_RELU_CIFAR = dataclasses.replace(
    CIFAR,
    model="wide_resnet",
    normalization="shifted_relu",
    augmentation="shift_and_cut_out",
    epochs=300,
    batch_size=125,
    drops=(),
    cosine_to=1e-5,
)
IMAGENET_RECIPES = {FBN: IMAGENET, "mimic_norm": MIMIC_NORM_IMAGENET}
CIFAR_RECIPES = {FBN: CIFAR, "shifted_relu": SHIFTED_RELU_CIFAR, "mimic_norm": MIMIC_NORM_CIFAR}
RECIPES = tuple(CIFAR_RECIPES)


def imagenet(recipe: str = FBN, **changes: Any) -> Recipe:
    """The recipe of section 5.1, or another paper's, with some settings changed."""
    return _changed(_row(IMAGENET_RECIPES, recipe), changes)


def cifar(recipe: str = FBN, **changes: Any) -> Recipe:
    """The recipe of section 5.3, or another paper's, with some settings changed.

    ResNets with FBN have smaller batches.
    """
    base = _row(CIFAR_RECIPES, recipe)
    if recipe == FBN and changes.get("model", base.model).startswith("resnet"):
        base = dataclasses.replace(base, batch_size=CIFAR_RESNET_BATCH_SIZE)
    return _changed(base, changes)


def _row(recipes: dict[str, Recipe], name: str) -> Recipe:
    if name not in recipes:
        raise InputError(
            f"--recipe: the paper of {name} has none for such images. Choose one of "
            f"{', '.join(recipes)}."
        )
    return recipes[name]


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    if "epochs" in changes and "drops" not in changes:
        recipe = recipe.with_epochs(changes["epochs"])
    return dataclasses.replace(recipe, **changes)
