"""What a command prints at its end."""

import contextlib
import os
import sys
from collections.abc import Iterator

from tflite_tools.errors import ToolError


@contextlib.contextmanager
def printed(done: str) -> Iterator[None]:
    """Turns a standard output that cannot be written to into one clear message.

    Args:
        done: What is done nevertheless, such as "the files are written".
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits, and would print a second message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ToolError(f"{done}, but the report cannot be printed: {error.strerror}.") from error
