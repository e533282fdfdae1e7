"""When a training may start: within the time limit, and in turn with other processes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from command_line import InputError

try:
    import fcntl
except ImportError:  # not a POSIX system: processes do not wait for each other there
    fcntl = None  # type: ignore[assignment]


class TimeIsUp(Exception):  # noqa: N818 - nothing went wrong
    """The time limit has been reached; no further run starts."""


class Turns:
    """Lets one process train at a time, of all that share a folder, until a time limit.

    Processes that were started together compile at the same time, which takes processor cores, and
    train one after the other, as a GPU has nothing to win by doing several things at once.

    Args:
        folder: The `--out` folder.
        minutes: The limit, counted from here; None for no limit.
    """

    def __init__(self, folder: Path, minutes: float | None = None) -> None:
        self.file = folder / ".training"
        self.deadline = None if minutes is None else time.monotonic() + 60 * minutes

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for the others; raises TimeIsUp where it is too late to start."""
        self.check()
        with self._opened() as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)  # closing the file ends it, also by a crash
            self.check()
            yield

    def _opened(self) -> IO[str]:
        try:
            return self.file.open("w")
        except OSError as error:
            raise InputError(
                f"{self.file}: cannot be opened: {error.strerror}. Remove it, or choose another "
                "--out."
            ) from error

    def check(self) -> None:
        """Raises TimeIsUp after the limit."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise TimeIsUp
