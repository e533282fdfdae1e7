"""What is said when another of the processes that train together has gone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator


class WorkerLost(RuntimeError):  # noqa: N818 - not a mistake of this process
    """Another process has stopped or cannot be reached; the message says what to do."""


@contextlib.contextmanager
def lost_workers(is_lost: Callable[[Exception], bool]) -> Iterator[None]:
    """Turns an engine's errors about a process that has gone into `WorkerLost`.

    Args:
        is_lost: Whether an error is of that kind.
    """
    try:
        yield
    except Exception as error:
        if not is_lost(error):
            raise
        raise WorkerLost(
            "another worker has stopped or cannot be reached; what it printed says why. Start all "
            "of them again with the same command: they go on from the last checkpoint."
        ) from error
