"""Files that are there as a whole or not at all.

`tflite_tools.output_folder` does this too, but needs LiteRT, which training on jax goes without.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from command_line import InputError


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yields a name beside a file, whose folder is made; the file gets it when the block succeeds.

    Raises:
        InputError: if the file cannot be written.
    """
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        unfinished.replace(file)
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written: {error.strerror}. Make room, or choose another --out."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_text(file: Path, text: str) -> None:
    """Writes a text as `replacing` does."""
    with replacing(file) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
