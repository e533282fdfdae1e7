"""A report in the terminal."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tflite_tools.run_report.sections import Cell, Section

_STYLES = {"": "", "good": "green", "warn": "yellow", "bad": "bold red"}
# Rows with the same there stand in a table of their own.
_APART = "on"


def as_tables(sections: Sequence[Section], notes: Sequence[str]) -> Group:
    """A table or several for each section, and the notes below."""
    return Group(*_parts(sections, notes))


def _parts(sections: Sequence[Section], notes: Sequence[str]) -> Iterator[RenderableType]:
    for section in sections:
        yield from _tables(section)
        if section.note:
            yield Text(section.note + "\n", style="dim")
    for note in notes:
        yield Text(f"Note: {note}")


def _tables(section: Section) -> Iterator[Table]:
    headings = [column.heading for column in section.columns]
    if _APART not in headings:
        yield _table(section, section.title, section.rows)
        return
    place = headings.index(_APART)
    apart: dict[str, list[tuple[Cell, ...]]] = {}
    for row in section.rows:
        apart.setdefault(row[place].text, []).append(row)
    for name, rows in apart.items():
        yield _table(section, f"{section.title}: {name}", rows)


def _table(section: Section, title: str, rows: Sequence[tuple[Cell, ...]]) -> Table:
    table = Table(
        title=escape(title),
        title_style="bold",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    kept = [
        position
        for position, column in enumerate(section.columns)
        if not column.detail and column.heading != _APART
    ]
    for position in kept:
        column = section.columns[position]
        table.add_column(
            column.heading,
            justify="right" if column.numeric else "left",
            no_wrap=column.numeric,
            overflow="fold",
            style=None if position else "bold",
        )
    for row in rows:
        cells = (row[position] for position in kept)
        table.add_row(*(Text(cell.text, style=_STYLES[cell.mark]) for cell in cells))
    return table
