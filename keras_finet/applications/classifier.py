"""What every image classifier of the package shares: input checks, head, weights."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from keras import layers
from keras.applications import imagenet_utils

from keras_finet.applications.image_input import image_input
from keras_finet.applications.loading import load_weights
from keras_finet.applications.released import fetch, released
from keras_finet.layers.arguments import positive_integer

Tensor = Any
Activation = str | Callable[[Tensor], Tensor] | None
Stages = Callable[[Tensor], dict[str, Tensor]]
# From the last feature map, the number of classes and the activation to the classes' scores.
Top = Callable[[Tensor, int, Activation], Tensor]
IMAGENET_CLASSES = 1000
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
    classifier_activation: Activation
    name: str
    features: Sequence[str] | None


def check_stem(stem: str) -> None:
    """Raises ValueError if `stem` is not one of `STEMS`."""
    if stem not in STEMS:
        raise ValueError(f"Expected `stem` to be one of {STEMS}. Received: {stem!r}")


def channel_axis() -> int:
    """Returns the axis of the channels in Keras' image data format."""
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def dense_scores(pixel: Tensor, classes: int, activation: Activation) -> Tensor:
    """The usual classifier: a `Dense` on a pixel, called `"predictions"`."""
    pixel = layers.Flatten(name="flatten")(pixel)
    return layers.Dense(classes, activation=activation, name="predictions")(pixel)


def pooled_top(
    scores: Top = dense_scores, head: Callable[[Tensor], Tensor] = lambda pixel: pixel
) -> Top:
    """Makes a top: global average pool, then what a network has in between, then the scores."""

    def top(features: Tensor, classes: int, activation: Activation) -> Tensor:
        # With its axes kept, a phone needs no reshape for what the head does.
        pixel = layers.GlobalAveragePooling2D(keepdims=True, name="global_pool")(features)
        return scores(head(pixel), classes, activation)

    return top


def build_classifier(
    arguments: ClassifierArguments, stages: Stages, top: Top, *, variant: str
) -> keras.Model:
    """Builds a classifier, or its backbone, around a network's stages.

    Args:
        arguments: What the user asked for.
        stages: Function from an image tensor to the network's named feature maps, in the order in
            which the network computes them; the top and the pooling read the last one.
        top: What makes scores of the last feature map; its last layer is called `"predictions"`.
        variant: The builder and all of its own arguments that trained weights depend on, as in
            `"FinetSmall(groups=4, stem='imagenet')"`: what a released checkpoint is for.

    Raises:
        ValueError: for arguments that do not make sense, or weights that do not fit.
    """
    _check_weights(arguments, variant)
    _check_features(arguments)
    positive_integer("classes", arguments.classes)
    image = image_input(
        arguments.input_tensor,
        arguments.input_shape,
        include_top=_has_top(arguments),
        imagenet=arguments.weights == "imagenet",
    )
    path = _weights_path(arguments.weights, variant)
    outputs = _outputs(arguments, stages(image), top)
    sources = image if arguments.input_tensor is None else _source_of(arguments.input_tensor)
    model = keras.Model(sources, outputs, name=arguments.name)
    if path is not None:
        # Layers that come before the image are not the network's.
        load_weights(keras.Model(image, outputs, name=arguments.name), path)
    return model


def _check_weights(arguments: ClassifierArguments, variant: str) -> None:
    weights, classes = arguments.weights, arguments.classes
    if weights is None:
        return
    if weights == "imagenet":
        released(variant)
        if _has_top(arguments) and classes != IMAGENET_CLASSES:
            raise ValueError(
                'If using `weights="imagenet"` with `include_top` as true, `classes` should be '
                f"{IMAGENET_CLASSES}. Received: classes={classes}"
            )
    elif not isinstance(weights, str | os.PathLike) or not Path(weights).is_file():
        raise ValueError(
            "The `weights` argument should be either `None` (random initialization), `imagenet` "
            "(pre-training on ImageNet), or the path to the weights file to be loaded. "
            f"Received: weights={weights!r}, where there is no file."
        )
    activation = keras.activations.get(arguments.classifier_activation)
    if _has_top(arguments) and activation not in map(keras.activations.get, (None, "softmax")):
        raise ValueError(
            "Only `None` and `softmax` activations are allowed for the `classifier_activation` "
            "argument when using pretrained weights, with `include_top=True`; Received: "
            f"classifier_activation={arguments.classifier_activation}"
        )


def _weights_path(weights: str | os.PathLike[str] | None, variant: str) -> Path | None:
    if weights == "imagenet":
        return fetch(released(variant))
    return None if weights is None else Path(weights)


def _outputs(arguments: ClassifierArguments, maps: dict[str, Tensor], top: Top) -> Any:
    if arguments.features is not None:
        return _selected(maps, arguments.features)
    last = list(maps.values())[-1]
    if not _has_top(arguments):
        return _pool(last, arguments.pooling)
    return top(last, int(arguments.classes), arguments.classifier_activation)


def _check_features(arguments: ClassifierArguments) -> None:
    """Checks what can be said of `features` before the network's own names are known."""
    features = arguments.features
    if features is None:
        return
    if not _are_names(features):
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


def _are_names(features: Any) -> bool:
    if isinstance(features, str) or not isinstance(features, Sequence) or not features:
        return False
    return all(isinstance(name, str) for name in features)


def _selected(maps: dict[str, Tensor], features: Sequence[str]) -> dict[str, Tensor]:
    unknown = [name for name in features if name not in maps]
    if unknown:
        raise ValueError(
            f"Expected `features` to be among {tuple(maps)}. Received: {tuple(features)}, where "
            f"there is no {', '.join(map(repr, unknown))}."
        )
    return {name: maps[name] for name in features}


def _has_top(arguments: ClassifierArguments) -> bool:
    return arguments.include_top and arguments.features is None


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
