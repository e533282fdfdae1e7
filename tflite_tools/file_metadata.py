"""The TFLite metadata of a converted model."""

from collections.abc import Mapping, Sequence

from tflite_tools.errors import ToolError
from tflite_tools.feeding import Feeding, color_space
from tflite_tools.metadata import ModelMetadata
from tflite_tools.preprocessing import normalization

_KEYS = ("name", "description", "version", "author", "license")


def checked_about(about: Mapping[str, str] | None) -> dict[str, str]:
    """What a user wants the files to say of themselves; refuses what they cannot say."""
    if about is None:
        return {}
    if not isinstance(about, Mapping) or not all(
        key in _KEYS and isinstance(value, str) and value for key, value in about.items()
    ):
        raise ToolError(
            f"metadata: expected texts for any of the keys {', '.join(_KEYS)}, got {about!r}."
        )
    return dict(about)


def file_metadata(
    name: str,
    shape: Sequence[int],
    *,
    feeding: Feeding | None,
    labels: tuple[str, ...] | None,
    about: Mapping[str, str],
) -> ModelMetadata:
    """Composes what the files of a model say of themselves.

    Args:
        name: The model's name, if `about` gives no other.
        shape: The shape of one sample.
        feeding: What the files are fed; None if that is not known.
        labels: The names of the classes.
        about: From `checked_about`.
    """
    color = color_space(shape)
    pixels = None
    if color is not None and feeding is not None:
        pixels = normalization(feeding.of_images, shape[-1])
    texts = {
        "name": name,
        "description": f"{name}, converted from Keras by tflite-tools of keras_finet.",
        **about,
    }
    return ModelMetadata(
        color_space=color,
        mean=pixels.mean if pixels else None,
        std=pixels.std if pixels else None,
        labels=labels,
        **texts,
    )
