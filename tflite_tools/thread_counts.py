"""The numbers of threads that a benchmark is run with."""

from collections.abc import Sequence

from tflite_tools.errors import ToolError


def checked_threads(threads: int | Sequence[int]) -> tuple[int, ...]:
    """Each number once, in their order; refuses what are no numbers from 1 on."""
    given = threads if isinstance(threads, list | tuple) else [threads]
    for count in given or (None,):
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ToolError(f"threads: expected one or more numbers from 1 on, got {threads!r}.")
    return tuple(dict.fromkeys(given))


def in_words(count: int) -> str:
    """Such as "2 threads"."""
    return f"{count} thread{'' if count == 1 else 's'}"
