"""How long work tells how far it is."""

from collections.abc import Callable
from pathlib import Path

# Called with a file, how much of it is done, and how much there is to do.
Progress = Callable[[Path, int, int], None]


def counter(progress: Progress | None, path: Path, total: int) -> Callable[[int], None] | None:
    """What adds up the parts that are done, and tells the sum; None if nobody wants to know."""
    if progress is None:
        return None
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(path, done, total)

    return count
