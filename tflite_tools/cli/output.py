"""What a command prints at its end."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tflite_tools.errors import ToolError

if TYPE_CHECKING:
    from tflite_tools.tables import Report


def show(report: "Report", done: str, *, as_json: bool, quiet: bool) -> None:
    """Prints a report: as JSON, as tables, or not at all.

    Args:
        report: What a command found.
        done: What is done even if it cannot be printed, such as "the files are written".
        as_json: Whether a program reads it.
        quiet: Whether tables are not wanted.
    """
    if quiet and not as_json:
        return
    from tflite_tools.tables import print_report

    with printed(done):
        print_report(report, as_json=as_json)


def complain(problems: Iterable[object]) -> None:
    """Prints a line for each problem on standard error, also where everything else is quiet."""
    for problem in problems:
        print(f"tflite-tools: {problem}", file=sys.stderr)


@contextlib.contextmanager
def printed(done: str) -> Iterator[None]:
    """Turns a standard output that cannot be written to into one clear message.

    Args:
        done: As for `show`.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits, and would print a second message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ToolError(f"{done}, but the report cannot be printed: {error.strerror}.") from error
