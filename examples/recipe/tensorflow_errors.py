"""What TensorFlow's errors say, without the names of its operations."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from command_line import InputError

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


@contextlib.contextmanager
def data_errors(name: str) -> Iterator[None]:
    """Turns TensorFlow's errors about damaged or missing data into one line each.

    Args:
        name: Of the data set.
    """
    import keras
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        # On TensorFlow's backend the network's own errors are of these types too.
        if keras.config.backend() == "tensorflow" and "IteratorGetNext" not in str(error):
            raise
        raise InputError(
            f"{name}: some data cannot be read: {reason(error)}. Mend them, or prepare the data "
            "set again; then run the same command again."
        ) from error
