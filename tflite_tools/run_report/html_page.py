"""A report as one HTML page that needs nothing else: no network, no other file.

The page's own policy forbids everything but this style and this script, by their hashes.
"""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from importlib import resources
from string import Template

from tflite_tools.printable import shown
from tflite_tools.run_report.all_sections import sections
from tflite_tools.run_report.charts import KINDS, accuracy_points, latency_bars
from tflite_tools.run_report.html_tables import html_matrix, html_table
from tflite_tools.run_report.report import RunReport
from tflite_tools.run_report.svg import bar_chart, scatter_chart
from tflite_tools.tables import milliseconds

_PALE = "dashed: not the delegate's figure"


def as_html(report: RunReport) -> str:
    """The whole page."""
    style, script = _part("style.css"), _part("sort.js")
    parts = list(_sections(report))
    return Template(_part("page.html")).substitute(
        title="Benchmark report",
        folder=escape(shown(str(report.folder.absolute()))),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        tiles=_tiles(report),
        alerts="".join(_alerts(report)),
        links="".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _ in parts),
        sections="\n".join(
            f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">'
            f"{escape(title)}</h2>{body}</section>"
            for name, title, body in parts
        ),
    )


def _part(name: str) -> str:
    path = resources.files("tflite_tools.run_report") / "page" / name
    return path.read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _sections(report: RunReport) -> Iterator[tuple[str, str, str]]:
    """Names, titles and bodies: the charts first, then the tables."""
    bars = latency_bars(report)
    if bars:
        yield "bars", "Latency at a glance", _bars(report)
        yield "accuracy", "Accuracy against latency", _accuracy(report)
    if report.coverage:
        yield "matrix", "Delegate coverage", _matrix(report)
    for section in sections(report):
        note = _note(section.note) if section.note else ""
        yield section.name, section.title, note + html_table(section)


def _bars(report: RunReport) -> str:
    note = _note(
        "The median of each file with each delegate; the line across its end is the spread. "
        "Each phone or computer has a scale of its own."
    )
    bars = latency_bars(report)
    kinds = [bar.kind for same in bars.values() for bar in same if bar.value is not None]
    pale = any(bar.remark and bar.value is not None for same in bars.values() for bar in same)
    figures = (
        _figure(place, bar_chart(same, f"Latency on {place}")) for place, same in bars.items()
    )
    return note + _legend(kinds, pale=pale) + _panels(figures)


def _accuracy(report: RunReport) -> str:
    points = accuracy_points(report)
    if not points:
        return _note(
            "There are no accuracies of these files: `tflite-tools evaluate FILE... --dataset "
            f"SOURCE -o {shown(str(report.folder))}` adds them."
        )
    note = _note(
        "Further up is more accurate, further left is faster. The accuracy is the file's on this "
        "machine's processor. A delegate that fell back has no point, nor have wrong outputs."
    )
    used = {point.number for same in points.values() for point in same}
    files = "".join(
        f"<li><b>{number}</b>{escape(file.name)}</li>"
        for number, file in enumerate(report.files, start=1)
        if number in used
    )
    kinds = [point.kind for same in points.values() for point in same]
    pale = any(point.remark for same in points.values() for point in same)
    figures = (
        _figure(place, scatter_chart(same, f"Accuracy against latency on {place}"))
        for place, same in points.items()
    )
    legend = f'<ul class="legend">{files}</ul>'
    return note + legend + _legend(kinds, pale=pale) + _panels(figures)


def _matrix(report: RunReport) -> str:
    note = _note(
        "The share of the multiply-accumulate operations that each delegate takes by the rules of "
        "its source, and whether a device's own log agrees that it took as many operators."
    )
    return note + html_matrix(report)


def _legend(kinds: list[str], *, pale: bool) -> str:
    items = "".join(
        f'<li><i class="{kind}"></i>{kind}</li>' for kind in (*KINDS, "unknown") if kind in kinds
    )
    items += f'<li><i class="pale"></i>{escape(_PALE)}</li>' if pale else ""
    return f'<ul class="legend">{items}</ul>'


def _panels(figures: Iterator[str]) -> str:
    return f'<div class="panels">{"".join(figures)}</div>'


def _figure(title: str, chart: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{chart}</figure>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _tiles(report: RunReport) -> str:
    failed = sum(problem.failed for problem in report.problems)
    fell_back = sum(problem.kind == "fell back" for problem in report.problems)
    differ = sum(row.agreement == "differs" for row in report.comparisons)
    tiles = [
        ("", str(len(report.files)), "files"),
        ("", str(len(report.places)), "phones and computers"),
        ("bad" if failed else "good", str(failed), "runs failed or unfinished"),
        ("warn" if fell_back else "good", str(fell_back), "runs fell back to the CPU"),
        ("warn" if differ else "good", str(differ), "logs differ from the rules"),
    ]
    sound = [
        row
        for row in report.measurements
        if row.latency_ms is not None
        and row.ran_on is not None
        and not (row.wrong_output or row.fell_back)
    ]
    if sound:
        best = min(sound, key=lambda row: row.latency_ms or 0.0)
        what = f"fastest: {best.file}, {shown(best.delegate)}, {best.place}"
        tiles.insert(2, ("", f"{milliseconds(best.latency_ms)} ms", what))
    items = "".join(
        f'<li class="{kind}"><strong>{escape(value)}</strong><span>{escape(what)}</span></li>'
        for kind, value, what in tiles
    )
    return f'<ul class="tiles">{items}</ul>'


def _alerts(report: RunReport) -> Iterator[str]:
    for kind, title, lines in (
        ("bad", "Could not be read", report.damaged),
        ("", "To know", (*report.notes, *report.left_out)),
    ):
        if lines:
            items = "".join(f"<li>{escape(shown(line))}</li>" for line in lines)
            yield f'<div class="alert {kind}"><strong>{title}</strong><ul>{items}</ul></div>'
