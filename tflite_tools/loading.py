"""Loads Keras models from `.keras` files."""

import contextlib
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import refuse_foreign_layers
from tflite_tools.quiet import silenced

if TYPE_CHECKING:
    import keras

_LONGEST_REASON = 300
_LONGEST_NAME = 200
_MEMBERS = ("config.json", "metadata.json")


def check_keras_file(path: Path) -> None:
    """Refuses what cannot be a whole `.keras` file, without the seconds that Keras takes."""
    if not os.path.exists(path):  # noqa: PTH110  (Path's raises on long names)
        raise ToolError(f"{path}: no such file. Expected a model saved with model.save().")
    if path.is_dir() or path.suffix != ".keras":
        raise ToolError(
            f"{path}: expected a .keras file, saved with model.save('name.keras'), got "
            f"{_kind(path)}."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in _MEMBERS if name not in archive.namelist()]
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise ToolError(
            f"{path}: not a .keras file, or a truncated one of {path.stat().st_size} bytes "
            f"({error}). Save or copy the model again."
        ) from error
    if missing or damaged:
        problem = f"{', '.join(missing)} missing" if missing else f"{damaged} is damaged"
        raise ToolError(f"{path}: not a whole .keras file: {problem}. Save the model again.")


def load_keras_model(path: Path) -> "keras.Model":
    """Loads a `.keras` file; the layers of keras_finet need no `custom_objects`."""
    check_keras_file(path)
    import_keras_finet()
    import keras

    with silenced():
        try:
            return keras.saving.load_model(path, compile=False)
        # Keras raises many types for what a file can get wrong, KeyError among them.
        except Exception as error:
            _refuse_contents(path)
            first_line = next(iter(str(error).splitlines()), "")[:_LONGEST_REASON]
            raise ToolError(
                f"{path}: Keras cannot load the model: {type(error).__name__}: {first_line}"
            ) from error


def import_keras_finet() -> None:
    """Imports Keras and the project's layers without noise."""
    with silenced():
        try:
            import keras_finet  # noqa: F401  (registers its layers with Keras)
        except (ImportError, ValueError) as error:
            backend = os.environ.get("KERAS_BACKEND", "of the configuration")
            raise ToolError(
                f"Keras does not import on the backend {backend}: {error}. Install that backend, "
                "or unset KERAS_BACKEND to work with TensorFlow."
            ) from error


def resolved_model(model: Any, name: str | None) -> tuple["keras.Model", str]:
    """The loaded model and what its files' names begin with.

    Args:
        model: A Keras model or the path of a `.keras` file.
        name: The beginning; by default the file's or the model's name.
    """
    import_keras_finet()
    import keras

    if isinstance(model, str | os.PathLike):
        loaded, stem = load_keras_model(Path(model)), Path(model).stem
    elif isinstance(model, keras.Model):
        loaded, stem = model, model.name
    else:
        raise ToolError(
            f"model: expected a Keras model or the path of a .keras file, got a "
            f"{type(model).__name__}."
        )
    stem = stem if name is None else name
    check_name(stem)
    return loaded, stem


def check_name(name: object) -> None:
    """Refuses what no file name can begin with.

    Also by its length: the precision, the suffix and a temporary one have to fit behind it.
    """
    sound = isinstance(name, str) and name.isprintable() and name and Path(name).name == name
    if not sound or len(os.fsencode(str(name))) > _LONGEST_NAME:
        raise ToolError(
            "name: expected a printable file name without folders, of at most "
            f"{_LONGEST_NAME} bytes, got {str(name)[:_LONGEST_NAME]!r}."
        )


def _kind(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    return f"a {path.suffix} file" if path.suffix else "a file without a suffix"


def _refuse_contents(path: Path) -> None:
    """Says what in the file is the matter, if it is a model that could be described otherwise."""
    try:
        with zipfile.ZipFile(path) as archive:
            saved = json.loads(archive.read("config.json"))
    except ValueError:
        return  # no JSON: what Keras says of it is as good
    config = saved.get("config") if isinstance(saved, dict) else None
    if not isinstance(config, dict):
        return
    if "layers" not in config:
        # Of a model that is no graph of layers, knowing its class would not be enough.
        raise ToolError(
            f"{path}: expected a functional or Sequential model, whose graph of layers can be "
            f"read, got the class {saved.get('class_name')}, saved without one. Build the model as "
            "keras.Model(inputs, outputs) from the same layers, copy the weights and save that."
        )
    # What no Keras wrote is told by what Keras says of it.
    with contextlib.suppress(AttributeError, KeyError, TypeError):
        refuse_foreign_layers(str(path), config)
