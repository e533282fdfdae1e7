"""Progress bars for people who wait."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_SECONDS_PER_FRAME = 0.1


@contextlib.contextmanager
def progress_bars(*, quiet: bool = False) -> Iterator[Callable[[Path, int, int], None] | None]:
    """Yields what draws a bar for each file on standard error; None if that is no terminal.

    It is called with a file, how much of it is done, and how much there is, from any thread.

    Args:
        quiet: Draw nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # The frames are drawn here, not by a thread of Rich: it would draw into what is silenced.
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    tasks = {}
    drawn = 0.0
    drawing = threading.Lock()

    def draw(file: Path, done: int, total: int) -> None:
        nonlocal drawn
        with drawing:
            if file not in tasks:
                tasks[file] = bars.add_task(escape(file.name), total=total)
            bars.update(tasks[file], completed=done)
            if done in (0, total) or time.monotonic() - drawn > _SECONDS_PER_FRAME:
                bars.refresh()
                drawn = time.monotonic()

    with bars:
        yield draw
