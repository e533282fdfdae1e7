"""Whether a .tflite file is still the one that was written and verified."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.provenance import sidecar_path


def is_unchanged(file: Path, content: bytes) -> bool | None:
    """Whether a file's content has the hash in the record beside it; None without a record."""
    recorded = _recorded_hash(sidecar_path(file))
    return None if recorded is None else recorded == hashlib.sha256(content).hexdigest()


def check_unchanged(file: Path, content: bytes) -> None:
    """Refuses a file that was changed after its record was written.

    A weight that is damaged leaves a file sound: only its hash can tell.
    """
    if is_unchanged(file, content) is False:
        beside = sidecar_path(file)
        raise ToolError(
            f"{file}: expected the content that {beside.name} beside it was written for, got "
            "another SHA-256: the file was damaged or replaced since. Convert or copy the file "
            f"again, or delete {beside.name} if it belongs to another file."
        )


def _recorded_hash(beside: Path) -> str | None:
    try:
        record: Any = json.loads(beside.read_bytes())
        return str(record["file"]["sha256"])
    # No record, or the user's own JSON of that name.
    except (OSError, ValueError, KeyError, TypeError):
        return None
