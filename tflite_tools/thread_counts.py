"""The numbers of threads that a benchmark is run with."""

import os
from collections.abc import Sequence

from tflite_tools.errors import ToolError

# Tens of thousands of threads bring a machine to its knees, or end the process; so many do not.
_LIMIT, _PER_CORE = 64, 4


def checked_threads(threads: int | Sequence[int]) -> tuple[int, ...]:
    """Each number once, in their order; refuses what are no numbers from 1 on, or absurd ones."""
    given = threads if isinstance(threads, list | tuple) else [threads]
    for count in given or (None,):
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ToolError(f"threads: expected one or more numbers from 1 on, got {threads!r}.")
    if (most := max(given)) > (limit := max(_LIMIT, _PER_CORE * usable_cores())):
        raise ToolError(f"--threads: expected at most {limit}, got {most}.")
    return tuple(dict.fromkeys(given))


def in_words(count: int) -> str:
    """Such as "2 threads"."""
    return f"{count} thread{'' if count == 1 else 's'}"


def usable_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
