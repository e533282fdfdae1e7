"""Loads Keras models from `.keras` files."""

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced

if TYPE_CHECKING:
    import keras

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
            reason = _why_subclassed(path) or _explanation(error)
            raise ToolError(f"{path}: {reason}") from error


def import_keras_finet() -> None:
    """Imports Keras and the project's layers without noise, on the backend that can convert."""
    with silenced():
        try:
            import keras

            import keras_finet  # noqa: F401  (registers its layers with Keras)
        except ImportError as error:
            raise ToolError(
                f"Keras does not import: {error}. Conversion needs TensorFlow and KERAS_BACKEND "
                "unset or set to tensorflow."
            ) from error
    if keras.backend.backend() != "tensorflow":
        raise ToolError(
            f"expected Keras on the tensorflow backend, got {keras.backend.backend()}. Save the "
            "model as a .keras file and convert it with KERAS_BACKEND=tensorflow."
        )


def _kind(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    return f"a {path.suffix} file" if path.suffix else "a file without a suffix"


def _why_subclassed(path: Path) -> str | None:
    """Of a model that is no graph of layers, knowing its class would not be enough."""
    try:
        with zipfile.ZipFile(path) as archive:
            saved = json.loads(archive.read("config.json"))
    except ValueError:
        return None  # no JSON: what Keras says of it is as good
    config = saved.get("config") if isinstance(saved, dict) else None
    if not isinstance(config, dict) or "layers" in config:
        return None
    return (
        "expected a functional or Sequential model, whose graph of layers can be read, got the "
        f"class {saved.get('class_name')}, saved without one. Build the model as "
        "keras.Model(inputs, outputs) from the same layers, copy the weights and save that."
    )


def _explanation(error: Exception) -> str:
    text = str(error)
    if "Could not locate" in text:
        name = text.split("Could not locate", 1)[1].split("'")[1:2]
        return (
            f"the model uses {name[0] if name else 'an object'}, which Keras does not know. Import "
            "the module that registers it (@keras.saving.register_keras_serializable), load the "
            "model in Python and pass it to tflite_tools.convert."
        )
    if "Lambda" in text:
        return (
            "the model holds a Lambda layer, which Keras does not load from an untrusted file. "
            "Load it in Python with safe_mode=False and pass it to tflite_tools.convert."
        )
    first_line = next(iter(text.splitlines()), "")
    return f"Keras cannot load the model: {type(error).__name__}: {first_line[:300]}"
