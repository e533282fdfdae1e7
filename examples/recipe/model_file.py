"""A model's file, which is there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tflite_tools.output_folder import whole_file


def save_model(model: Any, file: Path) -> None:
    """Saves a model, or leaves the file that is there as it is.

    Raises:
        ToolError: if the file cannot be written.
    """
    with whole_file(file) as temporary:
        model.save(temporary)
