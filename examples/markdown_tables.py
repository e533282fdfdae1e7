"""Tables in Markdown, as the examples' reports have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_row(row: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Returns the lines of a table whose first column is text and whose others are figures."""
    rule = "|---|" + "--:|" * (len(headings) - 1)
    return [markdown_row(headings), rule, *map(markdown_row, rows)]
