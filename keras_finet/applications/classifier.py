"""What every image classifier of the package shares: input checks, head, weights."""

import os
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
from keras import layers
from keras.applications import imagenet_utils

Tensor = Any
DEFAULT_SIDE = 224
MINIMUM_SIDE = 32
IMAGENET_CLASSES = 1000
TRAINING_RECIPE = "arXiv 2005.06828, section 5.1"


STEMS = ("imagenet", "cifar")


@dataclass(frozen=True)
class ClassifierArguments:
    """The arguments that all builders share, in the order of their signatures.

    Those of `keras.applications`, and `features`.
    """

    include_top: bool
    weights: str | os.PathLike[str] | None
    input_tensor: Tensor | None
    input_shape: tuple[int | None, ...] | None
    pooling: str | None
    classes: int
    classifier_activation: str | Callable[[Tensor], Tensor] | None
    name: str
    features: Sequence[str] | None


def check_stem(stem: str) -> None:
    """Raises ValueError if `stem` is not one of `STEMS`."""
    if stem not in STEMS:
        raise ValueError(f"Expected `stem` to be one of {STEMS}. Received: {stem!r}")


def channel_axis() -> int:
    """Returns the axis of the channels in Keras' image data format."""
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def build_classifier(
    arguments: ClassifierArguments,
    stages: Callable[[Tensor], dict[str, Tensor]],
    head: Callable[[Tensor], Tensor],
    *,
    variant: str,
) -> keras.Model:
    """Builds a classifier, or its backbone, around a network's stages.

    Args:
        arguments: What the user asked for.
        stages: Function from an image tensor to the network's named feature maps, in the order in
            which the network computes them; the head and the pooling read the last one.
        head: Function from the last feature map to one pixel, which the classifier reads.
        variant: The builder and all of its own arguments that trained weights depend on, as in
            `"FinetSmall(groups=4, stem='imagenet')"`: what a released checkpoint is for.

    Raises:
        ValueError: for arguments that do not make sense, or weights that do not fit.
    """
    _check_weights(arguments, variant)
    _check_features(arguments)
    if not isinstance(arguments.classes, int) or arguments.classes <= 0:
        raise ValueError(
            f"Expected `classes` to be a positive integer. Received: {arguments.classes!r}"
        )
    image = _image_input(arguments)
    outputs = _outputs(arguments, stages(image), head)
    sources = image if arguments.input_tensor is None else _source_of(arguments.input_tensor)
    model = keras.Model(sources, outputs, name=arguments.name)
    if arguments.weights is not None:
        _load_weights(model, arguments.weights)
    return model


def _outputs(
    arguments: ClassifierArguments,
    maps: dict[str, Tensor],
    head: Callable[[Tensor], Tensor],
) -> Any:
    if arguments.features is not None:
        return _selected(maps, arguments.features)
    last = list(maps.values())[-1]
    if not _has_top(arguments):
        return _pool(last, arguments.pooling)
    pixel = layers.Flatten(name="flatten")(head(last))
    return layers.Dense(
        arguments.classes, activation=arguments.classifier_activation, name="predictions"
    )(pixel)


def _check_features(arguments: ClassifierArguments) -> None:
    """Checks what can be said of `features` before the network's own names are known."""
    features = arguments.features
    if features is None:
        return
    if isinstance(features, str) or not isinstance(features, Sequence) or not features:
        raise ValueError(
            "Expected `features` to be None or a tuple of names of feature maps, such as "
            f'`features=("conv5",)`. Received: {features!r}'
        )
    if len(set(features)) != len(features):
        raise ValueError(
            f"Expected every name in `features` once. Received: {tuple(features)}. Leave the "
            "repeated ones out."
        )
    if arguments.pooling is not None:
        raise ValueError(
            "Expected either `features` or `pooling`. Received: "
            f"features={tuple(features)} and pooling={arguments.pooling!r}. Leave `pooling` out "
            "and pool the feature maps in your own model."
        )


def _selected(maps: dict[str, Tensor], features: Sequence[str]) -> dict[str, Tensor]:
    unknown = [name for name in features if name not in maps]
    if unknown:
        raise ValueError(
            f"Expected `features` to be among {tuple(maps)}. Received: {tuple(features)}, where "
            f"there is no {', '.join(map(repr, unknown))}."
        )
    return {name: maps[name] for name in features}


def _check_weights(arguments: ClassifierArguments, variant: str) -> None:
    weights = arguments.weights
    if weights is None:
        return
    if weights == "imagenet":
        raise ValueError(
            f"No ImageNet checkpoint of {variant} has been released. Use `weights=None` and train "
            f"it by the recipe of {TRAINING_RECIPE}, or give the path of a file."
        )
    if not isinstance(weights, str | os.PathLike) or not Path(weights).is_file():
        raise ValueError(
            "The `weights` argument should be either `None` (random initialization), `imagenet` "
            "(pre-training on ImageNet), or the path to the weights file to be loaded. "
            f"Received: weights={weights!r}, where there is no file."
        )
    if not os.fspath(weights).endswith((".weights.h5", ".keras")):
        raise ValueError(
            "Expected a weights file that ends in `.weights.h5` or `.keras`. Received: "
            f"{os.fspath(weights)!r}"
        )


def _has_top(arguments: ClassifierArguments) -> bool:
    return arguments.include_top and arguments.features is None


def _image_input(arguments: ClassifierArguments) -> Tensor:
    shape = _checked_shape(arguments)
    tensor = arguments.input_tensor
    if tensor is None:
        return keras.Input(shape)
    if not keras.utils.is_keras_tensor(tensor):
        raise ValueError(
            "Expected `input_tensor` to be the output of `keras.Input` or of a layer. Received: "
            f"{type(tensor).__name__}"
        )
    if arguments.input_shape is not None and tuple(tensor.shape[1:]) != shape:
        raise ValueError(
            "Expected `input_shape` to be that of `input_tensor`, or to be left out. Received: "
            f"input_shape={shape} and an input_tensor of shape {tuple(tensor.shape[1:])}"
        )
    return tensor


def _checked_shape(arguments: ClassifierArguments) -> tuple[int | None, ...]:
    shape = arguments.input_shape
    if shape is None and arguments.input_tensor is not None:
        shape = tuple(arguments.input_tensor.shape[1:])
    if shape is None:
        side = DEFAULT_SIDE if _has_top(arguments) else None
        shape = (side, side, 3) if channel_axis() == -1 else (3, side, side)
    channels = -1 if channel_axis() == -1 else 0
    if not isinstance(shape, tuple | list) or len(shape) != 3 or shape[channels] is None:
        raise ValueError(f"`input_shape` must be a tuple of three integers. Received: {shape}")
    sides = shape[:2] if channel_axis() == -1 else shape[1:]
    if _has_top(arguments) and None in sides:
        raise ValueError(
            "If `include_top` is True, you should specify a static `input_shape`. Received: "
            f"input_shape={shape}"
        )
    if any(side is not None and side < MINIMUM_SIDE for side in sides):
        raise ValueError(
            f"Input size must be at least {MINIMUM_SIDE}x{MINIMUM_SIDE}; Received: "
            f"input_shape={shape}"
        )
    return tuple(shape)


def _source_of(tensor: Tensor) -> Any:
    """Returns the input, or the inputs, of the graph that makes `tensor`."""
    sources = keras.utils.get_source_inputs(tensor)
    return sources[0] if len(sources) == 1 else sources


def _pool(features: Tensor, pooling: str | None) -> Tensor:
    if pooling is None:
        return features
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool")(features)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool")(features)
    raise ValueError(f'Expected `pooling` to be None, "avg" or "max". Received: {pooling!r}')


def _load_weights(model: keras.Model, path: str | os.PathLike[str]) -> None:
    try:
        with warnings.catch_warnings(record=True) as left_out:
            warnings.simplefilter("always", UserWarning)
            model.load_weights(path)
        if left_out:
            # Keras only warns of layers that the file has nothing for.
            raise ValueError(left_out[0].message)
    except (ValueError, OSError, KeyError, BadZipFile) as error:
        reason = textwrap.shorten(str(error), 300)
        raise ValueError(
            f"Expected {os.fspath(path)!r} to hold the weights of {model.name!r} as it was asked "
            f"for, with outputs of shape {model.output_shape} (the same variant, groups, "
            "squeeze-excite and `classes` as when the file was written). Received a "
            f"file that does not fit or cannot be read: {reason}"
        ) from error


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images from 0 to 255 as the recipes of the package expect them.

    Pixels are scaled to 0 to 1; then ImageNet's mean is subtracted and the result is divided by
    ImageNet's standard deviation, channel by channel (arXiv 2005.06828, section 5.1).

    Args:
        x: Array or tensor of RGB images with values from 0 to 255, of 3 or 4 dimensions.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to Keras' image data format.

    Returns:
        Array or tensor of the same shape, floating-point. A floating-point NumPy array is changed
        in place, as in `keras.applications`.
    """
    return imagenet_utils.preprocess_input(x, data_format=data_format, mode="torch")


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """Names the likeliest ImageNet classes.

    Args:
        preds: Array of shape `(batch, 1000)`.
        top: Integer, how many classes to return for each sample.

    Returns:
        For each sample a list of `(WordNet id, class name, score)`, best first.

    Raises:
        ValueError: for another shape.
    """
    return imagenet_utils.decode_predictions(preds, top=top)
