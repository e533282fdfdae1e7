"""The papers' recipes: a row for each paper and kind of images."""

from __future__ import annotations

import dataclasses
from typing import Any

from command_line import InputError

from recipe.settings import Recipe

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
# arXiv 2104.08215: binary activations first, then binary weights too, both with this. Without batch
# normalisation gradients are clipped. Images are augmented as in sections 5.1 and 5.3. The figures
# are those for ImageNet; for CIFAR we know of no others.
BN_FREE = "bn_free"
_REACTNET: dict[str, Any] = {
    "normalization": BN_FREE,
    "epochs": 256,
    "batch_size": 256,
    "learning_rate": 5e-4,
    "drops": (),
    "optimizer": "adam",
    "first_step_decay": 1e-5,
    "weight_decay": 0.0,
    "clip_factor": 0.02,
}
REACTNET_IMAGENET = dataclasses.replace(IMAGENET, model="reactnet_a", **_REACTNET)
REACTNET_CIFAR = dataclasses.replace(CIFAR, model="reactnet18", **_REACTNET)
IMAGENET_RECIPES = {
    FBN: IMAGENET,
    "mimic_norm": MIMIC_NORM_IMAGENET,
    "reactnet": REACTNET_IMAGENET,
}
CIFAR_RECIPES = {
    FBN: CIFAR,
    "shifted_relu": SHIFTED_RELU_CIFAR,
    "mimic_norm": MIMIC_NORM_CIFAR,
    "reactnet": REACTNET_CIFAR,
}
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
    if changes.get("normalization", BN_FREE) != BN_FREE:
        recipe = dataclasses.replace(recipe, clip_factor=None)
    return dataclasses.replace(recipe, **changes)
