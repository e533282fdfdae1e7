"""Reports as tables for people and as JSON for programs: what all of them share."""

import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table

_TEXT_WIDTH = 100


class Report(Protocol):
    """What a command can print."""

    def table(self) -> RenderableType:
        """The report for people."""
        ...

    def to_json(self) -> str:
        """The report for programs, as a JSON object."""
        ...


def file_table(title: str, columns: Sequence[str], *, caption: str | None = None) -> Table:
    """An empty table with a row for each file: its name, and columns of figures."""
    table = Table(title=title, caption=caption, title_style="bold", show_lines=True)
    table.add_column("file", overflow="fold", style="bold")
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def formatted(value: float | None, spec: str) -> str:
    """A figure, or a dash for one that does not exist, such as the top-1 of no classifier."""
    return "–" if value is None else format(value, spec)


@dataclass(frozen=True)
class _Harmless:
    """A table without what steers a terminal: file and phone names may hold it."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self.content, options):
            shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
            yield Segment(shown, style, control)


def milliseconds(value: float | None) -> str:
    """A time, with digits enough also for the smallest models."""
    return formatted(value, ".4f" if value is not None and 0 < value < 0.1 else ".2f")


def as_text(table: RenderableType) -> str:
    """A table, or several, as plain text."""
    console = Console(file=io.StringIO(), width=_TEXT_WIDTH)
    with console.capture() as capture:
        console.print(_Harmless(table))
    return capture.get().rstrip("\n")


def to_json(report: Any) -> str:
    """A dataclass as a JSON object.

    What JSON does not know, such as a path, stands there as its text, and what is no number, such
    as the loss of a training that diverged, as null.
    """
    return json.dumps(_finite(asdict(report)), indent=2, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_report(report: Report, *, as_json: bool) -> None:
    """Prints a report to standard output."""
    if as_json:
        print(report.to_json())
    else:
        Console().print(_Harmless(report.table()))
