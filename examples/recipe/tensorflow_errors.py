"""What TensorFlow's errors say, without the names of its operations."""

from __future__ import annotations

import re

# Around the one line that matters: the operation, where it was defined, and which others waited.
_OPERATION = re.compile(r"\{\{function_node .*?\}\} ")
_AFTERWARDS = re.compile(r"(\n\t \[\[| \[Op:).*", re.DOTALL)
_TRANSFORMATION = re.compile(r"^Error in user-defined function .* iterator: \S+: ")


def reason(error: Exception) -> str:
    """The line of an error that says what went wrong, without a full stop."""
    text = _AFTERWARDS.sub("", _OPERATION.sub("", str(error)))
    lines = [line for line in text.splitlines() if line.strip()]
    # Of a failed write the first line names the file and the cause.
    line = lines[-1] if "Detected at node" in text else lines[0]
    return _TRANSFORMATION.sub("", line).strip(" .")
