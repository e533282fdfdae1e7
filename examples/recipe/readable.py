"""Which images of a folder can be read: found out before the first step, not in the tenth hour."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from command_line import InputError

from tflite_tools.output_folder import whole_file

NAMED_AT_MOST = 3


def readable_images(
    folder: Path, files: Sequence[Path], skip_unreadable: bool, remember: Path | None
) -> tuple[np.ndarray, str | None]:
    """Decodes every image once.

    Args:
        folder: The folder of all of them, for messages.
        files: The images.
        skip_unreadable: Whether to leave out those that cannot be read.
        remember: A file to keep the outcome in: the same files are not decoded again.

    Returns:
        For each file whether it can be read, and a note on those that cannot, or None.

    Raises:
        InputError: if some cannot be read and are not to be left out, or all of them.
    """
    readable = _remembered(remember, files)
    bad = [file for file, good in zip(files, readable, strict=True) if not good]
    if not bad:
        return readable, None
    named = ", ".join(_printable(file) for file in bad[:NAMED_AT_MOST])
    more = f" and {len(bad) - NAMED_AT_MOST} more" if len(bad) > NAMED_AT_MOST else ""
    what = (
        f"{len(bad)} of {len(files)} files cannot be read as JPEG, PNG, GIF, BMP or WebP: {named}"
        f"{more}"
    )
    if skip_unreadable and len(bad) < len(files):
        return readable, f"{folder}: left out, as {what}."
    raise InputError(
        f"{folder}: expected images, but {what}. Remove or replace them, or leave them out with "
        "--skip-unreadable."
    )


def _printable(file: Path) -> str:
    return os.fsencode(file).decode(errors="backslashreplace")


def _remembered(remember: Path | None, files: Sequence[Path]) -> np.ndarray:
    if remember is None:
        return _decodable(files)
    digest = _digest(files)
    try:
        known = json.loads(remember.read_text(encoding="utf-8"))
        if known["files"] == digest:
            readable = np.ones(len(files), bool)
            readable[known["unreadable"]] = False
            return readable
    except (OSError, ValueError, LookupError, TypeError):
        pass  # there is none yet, or it was cut off
    readable = _decodable(files)
    outcome = {"files": digest, "unreadable": np.flatnonzero(~readable).tolist()}
    with whole_file(remember) as temporary:
        temporary.write_text(json.dumps(outcome), encoding="utf-8")
    return readable


def _digest(files: Sequence[Path]) -> str:
    """Changes with the names, sizes and times of the files."""
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(os.fsencode(file))
        digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _decodable(files: Sequence[Path]) -> np.ndarray:
    """Tries what evaluation decodes with; training decodes only the crop of a JPEG."""
    import tensorflow as tf

    from recipe.augmentation import decode
    from recipe.bitmaps import check_bitmap
    from recipe.devices import leave_gpus_to_keras

    leave_gpus_to_keras()
    paths = tf.constant([os.fsencode(file) for file in files])

    def read(index: Any) -> tuple[Any, Any]:
        encoded = tf.io.read_file(paths[index])
        with tf.control_dependencies([check_bitmap(encoded)]):
            return index, tf.shape(decode(encoded))

    decoded = tf.data.Dataset.range(len(files)).map(
        read,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=False,
    )
    readable = np.zeros(len(files), bool)
    for index, _ in decoded.ignore_errors().as_numpy_iterator():
        readable[index] = True
    return readable
