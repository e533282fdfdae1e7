"""Checks on what is given as paths."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError


def checked_path(value: Any, *, what: str) -> Path:
    """The path that was given for `what`; refuses anything else."""
    if isinstance(value, str | os.PathLike):
        return Path(value)
    raise ToolError(f"{what}: expected a path, got a value of type {type(value).__name__}.")


def checked_paths(values: Any, *, what: str) -> list[Path]:
    """One path or several; refuses none, and anything else."""
    several = isinstance(values, Iterable) and not isinstance(values, str | bytes | os.PathLike)
    paths = [checked_path(value, what=what) for value in (values if several else [values])]
    if not paths:
        raise ToolError(f"{what}: expected one or more, got none.")
    return paths
