"""Progress bars for people who wait."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tflite_tools.cli.output import complain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_SECONDS_PER_FRAME = 0.1


@contextlib.contextmanager
def progress_bars(*, quiet: bool = False) -> Iterator["ProgressBars | None"]:
    """Yields what draws a bar for each file on standard error; None if that is no terminal.

    Ctrl-C is said in a line, after the bars.

    Args:
        quiet: Draw nothing.
    """
    try:
        with _bars(quiet=quiet) as bars:
            yield bars
    except KeyboardInterrupt as error:
        complain(error.args or ["interrupted."])
        raise


@contextlib.contextmanager
def _bars(*, quiet: bool) -> Iterator["ProgressBars | None"]:
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
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
    with bars:
        yield ProgressBars(bars)


class ProgressBars:
    """Draws a bar for each file; may be used from any thread."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[Path, TaskID] = {}
        self._drawn = 0.0
        self._drawing = threading.Lock()

    def __call__(self, file: Path, done: int, total: int) -> None:
        """Tells how much of a file is done, and how much there is to do."""
        from rich.markup import escape

        with self._drawing:
            if file not in self._tasks:
                self._tasks[file] = self._bars.add_task(escape(file.name), total=total)
            self._bars.update(self._tasks[file], completed=done)
            if done in (0, total) or time.monotonic() - self._drawn > _SECONDS_PER_FRAME:
                self._bars.refresh()
                self._drawn = time.monotonic()

    def note(self, text: str) -> None:
        """Prints a line above the bars."""
        with self._drawing:
            self._bars.console.print(text, markup=False, highlight=False)
