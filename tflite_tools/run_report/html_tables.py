"""The tables of a report as HTML."""

from html import escape
from typing import TYPE_CHECKING

from tflite_tools.run_report.charts import CoverageRow, coverage_matrix
from tflite_tools.run_report.labels import tool_label
from tflite_tools.run_report.records import Comparison, Coverage
from tflite_tools.run_report.sections import Cell, Column, Section
from tflite_tools.tables import formatted

if TYPE_CHECKING:
    from tflite_tools.run_report.report import RunReport

# Longer texts may break over lines.
_SHORT = 24
_HEATS = 10


def html_table(section: Section) -> str:
    """A table that its headings sort."""
    headings = "".join(_heading(column) for column in section.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            _cell(cell, column, first=not position)
            for position, (cell, column) in enumerate(zip(row, section.columns, strict=True))
        )
        + "</tr>"
        for row in section.rows
    )
    return _scrolling(
        f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>", section.title
    )


def html_matrix(report: "RunReport") -> str:
    """The share of MACs that each delegate takes of each file, and what the logs say of it."""
    delegates, rows = coverage_matrix(report)
    headings = "".join(
        f'<th scope="col" class="plain">{escape(name)}</th>' for name in ("file", *delegates)
    )
    body = "".join(map(_matrix_row, rows))
    return _scrolling(
        f'<table class="matrix"><thead><tr>{headings}</tr></thead><tbody>{body}</tbody></table>',
        "Share of multiply-accumulates that each delegate takes",
    )


def _heading(column: Column) -> str:
    kind = ' class="number"' if column.numeric else ""
    text = escape(column.heading)
    return f'<th scope="col"{kind}><button type="button">{text}</button></th>'


def _cell(cell: Cell, column: Column, *, first: bool) -> str:
    text = escape(cell.text)
    if first:
        return f'<th scope="row">{_breakable(cell.text)}</th>'
    if cell.mark:
        text = f'<span class="mark {cell.mark}">{text}</span>'
    if column.numeric:
        value = "" if cell.number is None else f' data-value="{cell.number!r}"'
        return f'<td class="number"{value}>{text}</td>'
    long = ' class="long"' if len(cell.text) > _SHORT else ""
    return f"<td{long}>{text}</td>"


def _matrix_row(row: CoverageRow) -> str:
    cells = "".join("<td>–</td>" if cell is None else _matrix_cell(*cell) for cell in row.cells)
    name = f"{_breakable(row.file)}<span>{escape(row.target)}</span>"
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _matrix_cell(coverage: Coverage, comparisons: tuple[Comparison, ...]) -> str:
    heat = round(_HEATS * (coverage.mac_share or 0.0))
    at_least = "≥ " if coverage.coverage == "unknown" else ""
    logs = "".join(_verdict(comparison) for comparison in comparisons)
    return (
        f'<td class="heat{heat}" title="{escape(coverage.verdict)}">'
        f"{at_least}{formatted(coverage.mac_share, '.1%')}{logs}</td>"
    )


def _verdict(comparison: Comparison) -> str:
    texts = {
        "agrees": ("good", "✓ log agrees"),
        "differs": ("bad", f"✗ log: {comparison.delegation}"),
    }
    if comparison.agreement not in texts:
        return ""
    mark, text = texts[comparison.agreement]
    title = escape(", ".join([comparison.place, *tool_label(comparison)]))
    return f'<small class="mark {mark}" title="{title}">{escape(text)}</small>'


def _breakable(name: str) -> str:
    """A file's name that may break where its words end."""
    return escape(name).replace("_", "_<wbr>")


def _scrolling(table: str, label: str) -> str:
    """Wide tables scroll by themselves, also by keyboard."""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'
    )
