"""Arguments and results as files: JSON, arrays and bytes, nothing that could run code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_ARRAY, _BYTES, _PATH = "__array__", "__bytes__", "__path__"


def write(value: Any, folder: Path, name: str) -> None:
    """Writes a value of JSON types, tuples, arrays, bytes and paths to `<name>.json`.

    Arrays and bytes get files beside it.
    """
    text = json.dumps(_Encoder(folder, name).encoded(value))
    # The reader takes a file that has this name to be complete.
    temporary = folder / f"{name}.partial"
    temporary.write_text(text)
    temporary.replace(folder / f"{name}.json")


def read(folder: Path, name: str) -> Any:
    """Reads what `write` wrote; tuples come back as lists, arrays mapped from their files."""
    return _decoded(json.loads((folder / f"{name}.json").read_text()), folder)


class _Encoder:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.files = folder, name, 0

    def encoded(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            file = self._new_file(".npy")
            np.save(self.folder / file, value, allow_pickle=False)
            return {_ARRAY: file}
        if isinstance(value, bytes):
            file = self._new_file(".bin")
            (self.folder / file).write_bytes(value)
            return {_BYTES: file}
        if isinstance(value, Path):
            return {_PATH: str(value.absolute())}
        if isinstance(value, Mapping):
            return {key: self.encoded(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.encoded(item) for item in value]
        return value

    def _new_file(self, suffix: str) -> str:
        self.files += 1
        return f"{self.name}_{self.files}{suffix}"


def _decoded(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_decoded(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"__array__": file}:
            return np.load(folder / file, mmap_mode="r", allow_pickle=False)
        case {"__bytes__": file}:
            return (folder / file).read_bytes()
        case {"__path__": path}:
            return Path(path)
    return {key: _decoded(item, folder) for key, item in value.items()}
