"""What a .tflite file says of itself to the libraries that run it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.metadata.codec import decode, encode
from tflite_tools.metadata.container import (
    add_buffers,
    append_files,
    appended_file,
    read_buffer,
)
from tflite_tools.metadata.schema import MIN_PARSER_VERSION

BUFFER_NAME = "TFLITE_METADATA"
_LABELS_FILE = "labels.txt"
_LABELS = "TENSOR_AXIS_LABELS"
_BRIGHTEST = 255.0


@dataclass(frozen=True)
class ModelMetadata:
    """The TFLite metadata of a model with one image or array as input and one output.

    Attributes:
        name: The model's name.
        description: What it is, for people.
        version: Its version, as its author counts.
        author: Who made it.
        license: The terms of use.
        color_space: "RGB" or "GRAYSCALE"; None if the input is no image.
        mean: What a library that feeds pixels from 0 to 255 has to subtract from them, one value
            for each channel, or one for all; None if nothing is said of pixels.
        std: What it has to divide them by afterwards, likewise.
        labels: The name of each class; None if they are not known.
    """

    name: str | None = None
    description: str | None = None
    version: str | None = None
    author: str | None = None
    license: str | None = None
    color_space: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    labels: tuple[str, ...] | None = None


def write_metadata(content: bytes, metadata: ModelMetadata, **buffers: bytes) -> bytes:
    """Returns a .tflite file with its metadata: the buffer that libraries look for, and the labels.

    Args:
        content: The file as the converter made it.
        metadata: What it is to say of itself.
        **buffers: Further buffers by their names.
    """
    check_labels(metadata.labels)
    described = add_buffers(content, {BUFFER_NAME: encode(_as_tables(metadata)), **buffers})
    if metadata.labels is None:
        return described
    return append_files(described, {_LABELS_FILE: "\n".join(metadata.labels).encode()})


def read_metadata(content: bytes) -> ModelMetadata | None:
    """The TFLite metadata of a file, ours or another writer's; None if it has none."""
    encoded = read_buffer(content, BUFFER_NAME)
    if encoded is None:
        return None
    tables = decode(encoded)
    graph = _first(tables.get("subgraph_metadata"))
    image = _first(graph.get("input_tensor_metadata"))
    pixels = _options(image, "NormalizationOptions")
    _, properties = image.get("content", {}).get("content_properties", (None, {}))
    return ModelMetadata(
        name=tables.get("name"),
        description=tables.get("description"),
        version=tables.get("version"),
        author=tables.get("author"),
        license=tables.get("license"),
        color_space=properties.get("color_space"),
        mean=_as_tuple(pixels.get("mean")),
        std=_as_tuple(pixels.get("std")),
        labels=_labels(content, graph),
    )


def check_labels(labels: Sequence[str] | None) -> None:
    """Refuses labels that a file with one on each line does not hold."""
    for index, label in enumerate(labels or ()):
        if not isinstance(label, str) or not label.strip() or len(label.splitlines()) != 1:
            raise ToolError(
                f"labels: expected a name on one line for each class, got {label!r} for class "
                f"{index}."
            )


def _as_tables(metadata: ModelMetadata) -> dict[str, Any]:
    about = {
        key: getattr(metadata, key)
        for key in ("name", "description", "version", "author", "license")
        if getattr(metadata, key) is not None
    }
    graph = {
        "input_tensor_metadata": [_input_tables(metadata)],
        "output_tensor_metadata": [_output_tables(metadata)],
    }
    return {**about, "subgraph_metadata": [graph], "min_parser_version": MIN_PARSER_VERSION}


def _input_tables(metadata: ModelMetadata) -> dict[str, Any]:
    if metadata.color_space is None:
        return {"name": "input", "content": {"content_properties": ("FeatureProperties", {})}}
    properties = ("ImageProperties", {"color_space": metadata.color_space})
    image = {
        "name": "image",
        "description": "The image to classify.",
        "content": {"content_properties": properties},
    }
    if metadata.mean is None or metadata.std is None:
        return image
    mean, std = _shortened(metadata.mean), _shortened(metadata.std)
    if len(mean) != len(std):
        mean, std = list(metadata.mean), list(metadata.std)
    ranges = list(zip(mean, std, strict=True))
    return {
        **image,
        "process_units": [{"options": ("NormalizationOptions", {"mean": mean, "std": std})}],
        "stats": {
            "min": [-mean / std for mean, std in ranges],
            "max": [(_BRIGHTEST - mean) / std for mean, std in ranges],
        },
    }


def _output_tables(metadata: ModelMetadata) -> dict[str, Any]:
    scores = {
        "name": "scores",
        "description": "One score for each class.",
        "content": {"content_properties": ("FeatureProperties", {})},
    }
    if metadata.labels is None:
        return scores
    labels = {"name": _LABELS_FILE, "description": "The classes, in order.", "type": _LABELS}
    return {**scores, "associated_files": [labels]}


def _shortened(values: tuple[float, ...]) -> list[float]:
    """One value where all are equal: libraries without normalization by channel take that."""
    return list(values[:1]) if len(set(values)) == 1 else list(values)


def _labels(content: bytes, graph: dict[str, Any]) -> tuple[str, ...] | None:
    for tensor in graph.get("output_tensor_metadata", ()):
        for file in tensor.get("associated_files", ()):
            text = appended_file(content, file.get("name", ""))
            if file.get("type") == _LABELS and text is not None:
                return tuple(text.decode(errors="replace").splitlines())
    return None


def _options(tensor: dict[str, Any], member: str) -> dict[str, Any]:
    return next((value for name, value in _units(tensor) if name == member), {})


def _units(tensor: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return (unit["options"] for unit in tensor.get("process_units", ()) if "options" in unit)


def _first(items: list[dict[str, Any]] | None) -> dict[str, Any]:
    return items[0] if items else {}


def _as_tuple(values: list[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)
