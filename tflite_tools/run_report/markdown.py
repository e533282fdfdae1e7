"""A report as Markdown."""

import re
from collections.abc import Iterable, Iterator

from tflite_tools.printable import shown
from tflite_tools.run_report.all_sections import sections
from tflite_tools.run_report.report import RunReport
from tflite_tools.run_report.sections import Section

# What Markdown or the HTML in it would take for something else than itself.
_SIGNS = re.compile(r"([\\`*_\[\]<>#|~&$])")


def as_markdown(report: RunReport) -> str:
    """The tables of a report, and below them its notes."""
    lines = [f"# Runs in {_escaped(shown(str(report.folder)))}", ""]
    for section in sections(report):
        lines += _section(section)
    for title, texts in (("Notes", report.notes), ("Damaged", report.damaged)):
        if texts:
            lines += [f"## {title}", "", *(f"- {_escaped(text)}" for text in texts), ""]
    return "\n".join(lines)


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield ""
    yield _row(_escaped(column.heading) for column in section.columns)
    yield _row("--:" if column.numeric else "---" for column in section.columns)
    for row in section.rows:
        yield _row(_escaped(cell.text) for cell in row)
    yield ""
    if section.note:
        yield _escaped(section.note)
        yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\1", text)
