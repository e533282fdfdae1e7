"""What is trained, on which data and how: all settings, and which do not go together."""

from __future__ import annotations

import dataclasses
from typing import Any

from command_line import InputError

# Public builders of keras_finet by the names of the command line, and which of a recipe's settings
# each takes.
_NORMALIZED = ("groups", "channels_per_group", "affine", "normalization")
_FINE_GRAINED = (*_NORMALIZED, "stem")
_FINET = (*_FINE_GRAINED, "squeeze_excite", "dropout")
_BINARY = ("normalization", "stem", "binary_weights")
MODELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "finet_large": ("FinetLarge", _FINET),
    "finet_small": ("FinetSmall", _FINET),
    "resnet18": ("ResNet18", _FINE_GRAINED),
    "resnet50": ("ResNet50", _FINE_GRAINED),
    "shufflenet_v2": ("ShuffleNetV2", ("stem",)),
    "mnasnet": ("MnasNet", ("dropout",)),
    "cifar_vgg16": ("CifarVGG16", _NORMALIZED),
    "wide_resnet": ("WideResNet", ("normalization", "depth", "width")),
    "reactnet18": ("ReActNet18", _BINARY),
    "reactnet_a": ("ReActNetA", (*_BINARY, "widths")),
}
FOR_SMALL_IMAGES = ("cifar_vgg16", "wide_resnet")
OPTIMIZERS = ("sgd", "adam")


# Settings that are not themselves arguments of a builder, and the one that they come to.
NEEDS = {"first_step_decay": "binary_weights"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training run. Two equal recipes with the same data and seed train the same weights.

    Attributes:
        dataset: A name that TFDS knows, such as "cifar10", a folder of class folders, or "digits".
        model: One of `MODELS`.
        groups: Of every fine-grained batch normalisation; None for the builder's default.
        channels_per_group: Instead of `groups` (Table 6).
        affine: Whether the fine-grained normalisations have factors and offsets (Table 5).
        normalization: The builder's argument of this name; None for its default.
        squeeze_excite: Whether Finet's blocks have a squeeze-excite gate.
        depth: Of a wide residual network; None for the paper's.
        width: Of a wide residual network; None for the paper's.
        widths: Channels of ReActNet-A's stem and blocks; None for the paper's.
        binary_weights: Whether a ReActNet's weights have one bit; None for the builder's default.
        stem: "imagenet" or "cifar".
        dropout: Rate before each of Finet's two last fully connected layers.
        image_size: Side of the square images that the network sees.
        augmentation: "random_resized_crop" (section 5.1), "pad_and_crop" (section 5.3) or
            "shift_and_cut_out" (arXiv 1907.06916).
        pixels: Means and standard deviations of pixels from 0 to 255, by channel, by which they are
            normalised; None for those of the data set.
        epochs: How often to go over the training images.
        batch_size: Images in a step, over all devices. A last, smaller batch is left out.
        learning_rate: The first one.
        drops: Epochs, or parts of them, after which the learning rate is divided by ten; without
            any it falls linearly to 0, unless `cosine_to` is given.
        cosine_to: What the learning rate falls to along a cosine; None for no cosine.
        optimizer: "sgd" or "adam", both as PyTorch has them.
        momentum: Of stochastic gradient descent; Adam's of the mean gradient.
        weight_decay: L2 on all parameters, as PyTorch's optimizers have it.
        first_step_decay: The same in a first step of training, as long as all that follows, with
            real-valued weights; those are then made binary. None for no such step.
        clip_factor: Of adaptive gradient clipping; None for no clipping.
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
    depth: int | None = None
    width: int | None = None
    widths: tuple[int, ...] | None = None
    binary_weights: bool | None = None
    stem: str = "imagenet"
    dropout: float = 0.2
    image_size: int = 224
    augmentation: str = "random_resized_crop"
    pixels: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    epochs: int = 320
    batch_size: int = 512
    learning_rate: float = 0.2
    drops: tuple[float, ...] = ()
    cosine_to: float | None = None
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 4e-5
    first_step_decay: float | None = None
    clip_factor: float | None = None
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
        if self.optimizer not in OPTIMIZERS:
            raise InputError(
                f"optimizer: expected one of {', '.join(OPTIMIZERS)}, got {self.optimizer}."
            )
        if self.groups is not None and self.channels_per_group is not None:
            raise InputError(
                "groups, channels per group: expected one of them, got both. Leave one out."
            )
        normalization = ("fine-grained batch normalization", "a Finet or a ResNet")
        binary = ("binary weights to be trained in two steps", "reactnet18 or reactnet_a")
        untouched = {
            "groups": (None, *normalization),
            "channels_per_group": (None, *normalization),
            "affine": (True, *normalization),
            "normalization": (None, *normalization),
            "binary_weights": (None, *binary),
            "first_step_decay": (None, *binary),
            "squeeze_excite": (True, "squeeze-excite that can be left out", "a Finet"),
            "depth": (None, "depth that can be chosen", "wide_resnet"),
            "width": (None, "width that can be chosen", "wide_resnet"),
            "widths": (None, "widths that can be chosen", "reactnet_a"),
        }
        for name, (default, what, models) in untouched.items():
            takes = MODELS[self.model][1]
            if NEEDS.get(name, name) not in takes and getattr(self, name) != default:
                raise InputError(
                    f"{name.replace('_', ' ')}: {self.model} has no {what}. Leave that option "
                    f"out, or choose {models}."
                )
        is_fbn = self.normalization in (None, "fbn")
        grouped = self.groups not in (None, 1) or self.channels_per_group is not None
        if not is_fbn and (grouped or not self.affine):
            raise InputError(
                "groups, channels per group, affine: expected none of them with the normalization "
                f"{self.normalization}, which has no groups. Leave that option out."
            )
        clipped_averages = self.clip_factor is not None and self.ema is not None
        if clipped_averages and self.mixed_precision == "float16":
            raise InputError(
                "clip factor, ema, mixed precision: expected no moving average in float16 with "
                "clipped gradients, where Keras does not find it. Leave --ema out, or choose "
                "bfloat16."
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
        widths = None if self.widths is None else list(self.widths)
        pixels = None if self.pixels is None else list(map(list, self.pixels))
        lists = {"drops": list(self.drops), "widths": widths, "pixels": pixels}
        return {**dataclasses.asdict(self), **lists}
