"""Files that are there as a whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from command_line import InputError

from tflite_tools.errors import ToolError
from tflite_tools.output_folder import whole_file


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yields a name beside a file, whose folder is made; the file gets it when the block succeeds.

    Raises:
        InputError: if the file cannot be written.
    """
    try:
        with whole_file(file) as unfinished:
            file.parent.mkdir(parents=True, exist_ok=True)
            yield unfinished
    except ToolError as error:
        raise InputError(f"{error} Make room, or choose another --out.") from error


def write_text(file: Path, text: str) -> None:
    """Writes a text as `replacing` does."""
    with replacing(file) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
