"""Where a .tflite file comes from: its source, its recipe, the versions, the verification.

The record is JSON. It stands in the file's metadata, in a buffer of its own, and beside the file,
where it also holds the file's hash.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import GraphSpec
from tflite_tools.metadata import read_buffer
from tflite_tools.samples import AnyArray

if TYPE_CHECKING:
    import keras

BUFFER_NAME = "KERAS_FINET_PROVENANCE"
_FORMAT = 1
_MODULES = (
    "keras_finet",
    "keras",
    "tensorflow",
    "ai_edge_litert",
    "ai_edge_quantizer",
    "tf_keras",
    "tensorflow_model_optimization",
    "numpy",
)


def provenance(
    *,
    created: str,
    source: Mapping[str, Any],
    recipe: Mapping[str, Any],
    calibration: Mapping[str, Any] | None,
    verification: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the record of a file that is about to be written.

    Args:
        created: From `creation_time`.
        source: The model: its name, and `file_hash` of its file or `graph_hash` of its layers.
        recipe: Every option of the conversion, as JSON values.
        calibration: What int8 was calibrated on, with `array_hash` of the samples; None for
            other precisions.
        verification: What comparing the file with its source came to.
    """
    return {
        "format": _FORMAT,
        "created": created,
        "source": dict(source),
        "recipe": dict(recipe),
        "versions": versions(),
        "calibration": None if calibration is None else dict(calibration),
        "verification": dict(verification),
    }


def recipe_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON values; of paths the last part only, of arrays only that they were given."""
    return {name: _plain(value) for name, value in options.items()}


def source_of(
    model: "keras.Model | str | os.PathLike[str]", name: str, graph: GraphSpec
) -> dict[str, str]:
    """What a model is known by.

    Args:
        model: What the user gave, the path of a `.keras` file or a model.
        name: The model's name.
        graph: What is deployed of it: of the model as trained, layers that fuse replaces cannot
            always be described.
    """
    if isinstance(model, str | os.PathLike):
        path = Path(model)
        return {"kind": "file", "name": path.name, "sha256": file_hash(path)}
    return {"kind": "model", "name": name, "sha256": graph_hash(graph)}


def calibration_of(source: str, samples: AnyArray) -> dict[str, Any]:
    """What the samples that int8 was calibrated on are known by; of a path the last part."""
    return {
        "source": _plain(source),
        "samples": len(samples),
        "sha256": array_hash(samples),
    }


def versions() -> dict[str, str | None]:
    """The versions of Python and of the packages that a conversion depends on."""
    found = {name: _version(name) for name in _MODULES}
    return {"python": platform.python_version(), **found}


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def array_hash(array: AnyArray) -> str:
    """The SHA-256 of an array's type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def graph_hash(spec: GraphSpec) -> str:
    """The SHA-256 of a network's description: its layers, their connections and weights."""
    bare = replace(spec, nodes=tuple(replace(node, weights=()) for node in spec.nodes))
    digest = hashlib.sha256(json.dumps(asdict(bare), sort_keys=True).encode())
    for weights in (array for node in spec.nodes for array in node.weights):
        digest.update(array_hash(weights).encode())
    return digest.hexdigest()


def encoded(record: Mapping[str, Any]) -> bytes:
    """The record as it stands in the file's metadata."""
    return json.dumps(record, sort_keys=True, allow_nan=False).encode()


def sidecar(record: Mapping[str, Any], file: Path, content: bytes) -> str:
    """The record as it stands beside the file.

    Args:
        record: From `provenance`.
        file: The file's final name.
        content: The file, with the record in its metadata.
    """
    described = {
        "name": file.name,
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    whole = {"file": described, **record}
    return json.dumps(whole, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def sidecar_path(file: Path) -> Path:
    """Where the record beside a file stands."""
    return file.with_name(f"{file.name}.json")


def read_provenance(content: bytes) -> dict[str, Any] | None:
    """The record in a .tflite file; None if it has none."""
    buffer = read_buffer(content, BUFFER_NAME)
    if buffer is None:
        return None
    try:
        record = json.loads(buffer, parse_constant=_refuse)
    except ValueError as error:  # of bytes that are no text, too
        raise ToolError(f"the provenance record is damaged: {error}") from error
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise ToolError(f"the provenance record is damaged, or of another format than {_FORMAT}.")
    return record


def _refuse(constant: str) -> None:
    """JSON has no NaN and no infinity, though Python writes them."""
    raise ValueError(f"a number is {constant}")


def creation_time() -> str:
    """Now, or what SOURCE_DATE_EPOCH says: https://reproducible-builds.org/specs."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        seconds = time.time() if given is None else int(given)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError) as error:
        raise ToolError(
            f"SOURCE_DATE_EPOCH: expected seconds since 1970, got {given!r}. Correct or unset it."
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, str | os.PathLike):
        found = os.path.exists(value)  # noqa: PTH110  (Path's raises on long names)
        return Path(value).resolve().name if found else os.fspath(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return list(value)
    return f"given {type(value).__name__}"


def _version(module: str) -> str | None:
    try:
        return importlib.metadata.version(module.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        # Such as tensorflow of tensorflow-cpu; None of what is not installed but on the path.
        names = importlib.metadata.packages_distributions().get(module, ())
        return importlib.metadata.version(names[0]) if names else None
