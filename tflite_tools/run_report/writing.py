"""A report in files, one or two for each format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tflite_tools.errors import ToolError
from tflite_tools.output_folder import whole_file
from tflite_tools.run_report.csv_tables import comparisons_csv, measurements_csv
from tflite_tools.run_report.html_page import as_html
from tflite_tools.run_report.markdown import as_markdown
from tflite_tools.run_report.png import missing_matplotlib, pictures
from tflite_tools.run_report.report import RunReport

# Each yields the names of its files and what they hold.
_Writer = Callable[[RunReport], Iterable[tuple[str, bytes]]]


def _texts(name: str, text: Callable[[RunReport], str]) -> _Writer:
    return lambda report: [(name, (text(report) + "\n").encode())]


def _csv(report: RunReport) -> Iterator[tuple[str, bytes]]:
    yield "latency.csv", measurements_csv(report.measurements).encode()
    yield "coverage.csv", comparisons_csv(report.comparisons).encode()


_WRITERS: dict[str, _Writer] = {
    "table": _texts("report.txt", str),
    "markdown": _texts("report.md", as_markdown),
    "json": _texts("report.json", RunReport.to_json),
    "csv": _csv,
    "html": _texts("report.html", as_html),
    "png": pictures,
}
FORMATS = tuple(_WRITERS)


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Refuses what is no format; each one is written once."""
    chosen = tuple(dict.fromkeys(formats))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen or isinstance(formats, str):
        got = repr(formats) if isinstance(formats, str) else ", ".join(map(repr, unknown))
        raise ToolError(f"formats: expected some of {', '.join(FORMATS)}, got {got or 'none'}.")
    return chosen


def without_missing(formats: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The formats that can be written here, and why others cannot, a line each."""
    if "png" not in formats or (problem := missing_matplotlib()) is None:
        return tuple(formats), ()
    return tuple(name for name in formats if name != "png"), (problem,)


def write_report(report: RunReport, folder: Path, formats: Iterable[str]) -> None:
    """Writes the files of some formats to a folder that exists.

    Raises:
        ToolError: One cannot be written.
    """
    for name in formats:
        for file, content in _WRITERS[name](report):
            with whole_file(folder / file) as temporary:
                temporary.write_bytes(content)
