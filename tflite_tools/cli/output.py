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
    """Prints a line for each problem on standard error, also where everything else is quiet.

    A file's name may hold a line break or what steers a terminal; it is shown as its escape.
    """
    if sys.stderr is None:  # closed; print would take standard output instead
        return
    for problem in problems:
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(problem))
        print(f"tflite-tools: {text}", file=sys.stderr)


def printed(done: str) -> contextlib.AbstractContextManager[None]:
    """As `writing_out`, for a report.

    Args:
        done: As for `show`.
    """
    return writing_out(f"{done}, but the report")


@contextlib.contextmanager
def writing_out(what: str) -> Iterator[None]:
    """Turns a standard output that cannot be written to into one clear message.

    Args:
        what: What is printed, such as "the help".

    Raises:
        ToolError: It cannot be printed.
    """
    if sys.stdout is None:
        raise ToolError(f"{what} cannot be printed: standard output is closed.")
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits, and would print a second message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ToolError(f"{what} cannot be printed: {error.strerror}.") from error
    except UnicodeEncodeError as error:
        raise ToolError(
            f"{what} cannot be printed: standard output takes {error.encoding} only, which has no "
            f"{error.object[error.start]!a}. Set PYTHONIOENCODING=utf-8, or use --json."
        ) from error


def occupy_closed_output() -> None:
    """Keeps the first file that is opened from becoming a closed standard output.

    What LiteRT prints would be written into that file.
    """
    if sys.stdout is None:
        with contextlib.suppress(OSError):
            os.fstat(1)
            return
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        if null != 1:
            os.close(null)
