"""The image that a classifier starts from: its shape and its tensor, checked."""

import warnings
from operator import index
from typing import Any, SupportsIndex

import keras

Tensor = Any
Shape = tuple[int | None, ...]

DEFAULT_SIDE = 224
MINIMUM_SIDE = 32
USUAL_CHANNELS = (1, 3)


def image_input(tensor: Tensor | None, shape: Any, *, include_top: bool, imagenet: bool) -> Tensor:
    """Returns the image tensor for the arguments `input_tensor` and `input_shape` of a builder.

    Args:
        tensor: As the user gave it.
        shape: As the user gave it.
        include_top: Whether the network ends in a classifier.
        imagenet: Whether it is to get the weights released for ImageNet.

    Raises:
        ValueError: for a shape or a tensor that will not do.
    """
    if tensor is not None and not keras.utils.is_keras_tensor(tensor):
        raise ValueError(
            "Expected `input_tensor` to be the output of `keras.Input` or of a layer. Received: "
            f"{type(tensor).__name__}"
        )
    if shape is not None:
        shape = _checked(shape, include_top)
        if imagenet:
            _check_imagenet(shape, include_top)
        _warn_of_channels(shape)
    if tensor is None:
        return keras.Input(_default(include_top) if shape is None else shape)
    own = _checked(tuple(tensor.shape[1:]), include_top=False)
    if shape not in (None, own):
        raise ValueError(
            "Expected `input_shape` to be that of `input_tensor`, or to be left out. Received: "
            f"input_shape={shape} and an input_tensor of shape {own}"
        )
    return tensor


def _channels_last() -> bool:
    return bool(keras.config.image_data_format() == "channels_last")


def _default(include_top: bool) -> Shape:
    side = DEFAULT_SIDE if include_top else None
    return (side, side, 3) if _channels_last() else (3, side, side)


def _split(shape: Shape) -> tuple[Shape, int | None]:
    """Returns the sides and the channels."""
    return (shape[:2], shape[2]) if _channels_last() else (shape[1:], shape[0])


def _checked(shape: Any, include_top: bool) -> Shape:
    if not _is_shape(shape):
        raise ValueError(f"`input_shape` must be a tuple of three integers. Received: {shape}")
    shape = tuple(shape)
    sides, _ = _split(shape)
    if include_top and None in sides:
        raise ValueError(
            "If `include_top` is True, you should specify a static `input_shape`. Received: "
            f"input_shape={shape}"
        )
    if any(side is not None and side < MINIMUM_SIDE for side in sides):
        raise ValueError(
            f"Input size must be at least {MINIMUM_SIDE}x{MINIMUM_SIDE}; Received: "
            f"input_shape={shape}"
        )
    return shape


def _is_shape(shape: Any) -> bool:
    """Tells whether `shape` is three sizes, of which the sides may be unknown."""
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        return False
    sides, channels = _split(tuple(shape))
    integers = all(isinstance(side, SupportsIndex) for side in sides if side is not None)
    return integers and isinstance(channels, SupportsIndex) and index(channels) > 0


def _check_imagenet(shape: Shape, include_top: bool) -> None:
    default = _default(include_top)
    if include_top and shape != default:
        raise ValueError(
            "When setting `include_top=True` and loading `imagenet` weights, `input_shape` should "
            f"be {default}. Received: input_shape={shape}"
        )
    if _split(shape)[1] != 3:
        raise ValueError(f"The input must have 3 channels; Received `input_shape={shape}`")


def _warn_of_channels(shape: Shape) -> None:
    _, channels = _split(shape)
    if channels not in USUAL_CHANNELS:
        warnings.warn(
            "This model usually expects 1 or 3 input channels. However, it was passed an "
            f"input_shape with {channels} input channels.",
            stacklevel=2,
        )
