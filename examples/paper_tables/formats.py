"""A table of the paper for the terminal, as Markdown and as JSON."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import sys
from collections.abc import Callable

import rich.console
import rich.markup
import rich.table
from markdown_tables import markdown_row

from paper_tables.comparison import PaperTable, Row

TEXT_WIDTH = 120
NOTHING = "–"


def as_table(table: PaperTable) -> str:
    """Returns a table for the terminal, or 120 characters wide for anything else."""
    drawn = rich.table.Table(title=rich.markup.escape(table.title), show_edge=False, pad_edge=False)
    for index, heading in enumerate(headings(table)):
        is_label = index < len(table.labels)
        justify = "left" if is_label else "right"
        drawn.add_column(rich.markup.escape(heading), justify=justify, no_wrap=is_label)
    for row in table.rows:
        drawn.add_row(*(rich.markup.escape(cell) for cell in cells(table, row)))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else TEXT_WIDTH
    text = io.StringIO()
    console = rich.console.Console(file=text, width=width)
    console.print(drawn)
    for line in (*table.notes, *remarks(table)):
        console.print(line, markup=False, highlight=False)
    return text.getvalue()


def as_markdown(table: PaperTable) -> str:
    """Returns a Markdown document."""
    rule = "|".join(
        ["---"] * len(table.labels) + ["--:"] * (len(headings(table)) - len(table.labels))
    )
    lines = [f"## {table.title}", "", markdown_row(headings(table)), f"|{rule}|"]
    lines += [markdown_row(cells(table, row)) for row in table.rows]
    lines += [line for note in table.notes for line in ("", note)]
    lines += ["", *(f"- {remark}" for remark in remarks(table))] if remarks(table) else []
    return "\n".join(lines) + "\n"


def as_json(table: PaperTable) -> str:
    """Returns the table's data."""
    return json.dumps(dataclasses.asdict(table), indent=2, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[PaperTable], str]] = {
    "table": as_table,
    "markdown": as_markdown,
    "json": as_json,
}


def headings(table: PaperTable) -> list[str]:
    columns = [heading for part in parts(table).values() for heading in part.values()]
    return [*table.labels, *columns]


def parts(table: PaperTable) -> dict[str, dict[str, str]]:
    """Returns what is shown of each figure, and its heading: nothing that no row has."""
    shown = {}
    for name in table.rows[0].figures:
        figures = [row.figures[name] for row in table.rows]
        part = {"printed": f"{name}, paper"} if any(each.printed for each in figures) else {}
        if any(each.computed for each in figures):
            part["computed"] = "here" if part else name
        if table.has_differences:
            part["difference"] = "difference"
        shown[name] = part
    return shown


def cells(table: PaperTable, row: Row) -> list[str]:
    figures: list[str] = []
    for name, part in parts(table).items():
        figure = row.figures[name]
        if not table.has_differences and figure.difference not in ("", "0"):
            figure = dataclasses.replace(figure, computed=f"≠ {figure.computed}")
        figures += (getattr(figure, shown) for shown in part)
    return [*row.labels, *(figure or NOTHING for figure in figures)]


def remarks(table: PaperTable) -> list[str]:
    """Returns a line on each row that has something to say, and how many figures follow."""
    said = [f"{' '.join(row.labels)}: {row.remark}." for row in table.rows if row.remark]
    figures = [figure for row in table.rows for figure in row.figures.values()]
    compared = [figure for figure in figures if figure.printed and figure.difference]
    follow = sum(figure.difference == "0" for figure in compared)
    if compared and table.is_exact:
        said.append(f"{follow} of the paper's {len(compared)} figures here follow.")
    return said
