"""The tables of a report, the same for the terminal, Markdown and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tflite_tools.printable import shown
from tflite_tools.run_report.labels import delegate_label, ran_on_label
from tflite_tools.run_report.records import Accuracy, FileEntry, Measurement, Problem
from tflite_tools.tables import formatted, milliseconds

if TYPE_CHECKING:
    from tflite_tools.run_report.report import RunReport

Mark = Literal["", "good", "warn", "bad"]
_PROBLEM_MARKS: dict[str, Mark] = {
    "failed": "bad",
    "wrong output": "bad",
    "unfinished": "warn",
    "fell back": "warn",
    "unclear": "warn",
    "slowed down": "warn",
}
_DIGITS_SHOWN = 12


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        heading: Its heading.
        numeric: Whether it holds numbers.
        detail: Whether the terminal, which is narrow, leaves it out.
    """

    heading: str
    numeric: bool = False
    detail: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: What it shows.
        number: What it is sorted by; None for text and for what is not there.
        mark: Whether it is good or bad news.
    """

    text: str
    number: float | None = None
    mark: Mark = ""


@dataclass(frozen=True)
class Section:
    """A table with its heading.

    Attributes:
        name: A word for it, without spaces.
        title: Its heading.
        note: What the columns mean.
        columns: Its columns.
        rows: As many cells in each.
    """

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def number_cell(value: float | None, spec: str, mark: Mark = "") -> Cell:
    """A number, or a dash for one that does not exist."""
    return Cell(formatted(value, spec), value, mark)


def latency_section(report: "RunReport") -> Section:
    """A row for each measurement."""
    return Section(
        name="latency",
        title="Latency",
        note="ms: the median. spread: from a phone's fastest repetition to its slowest, of a "
        "computer from the fastest run to the 95th percentile. p95: what 95 % of the runs keep to. "
        "per s: runs of the model a second. top-1: the file's on a processor. MB: growth of the "
        "memory, of a computer its peak. error: the largest of the outputs, "
        "relative to the largest output. °C: the highest before a run. runs: repetitions with "
        "these figures, of all.",
        columns=(
            Column("file"),
            Column("on"),
            Column("delegate"),
            Column("ran on"),
            Column("ms", numeric=True),
            Column("spread", numeric=True),
            Column("p95", numeric=True, detail=True),
            Column("per s", numeric=True, detail=True),
            Column("top-1", numeric=True),
            Column("MB", numeric=True, detail=True),
            Column("error", numeric=True),
            Column("°C", numeric=True, detail=True),
            Column("runs", numeric=True),
        ),
        rows=tuple(map(_latency_row, report.measurements)),
    )


def _latency_row(row: Measurement) -> tuple[Cell, ...]:
    spread = Cell("–")
    if row.low_ms is not None and row.high_ms is not None:
        ends = f"{milliseconds(row.low_ms)}–{milliseconds(row.high_ms)}"
        spread = Cell(ends, row.high_ms - row.low_ms)
    all_there = row.measured == row.repeats
    return (
        Cell(row.file),
        Cell(row.place),
        Cell(delegate_label(row)),
        Cell(ran_on_label(row), mark=_ran_on_mark(row)),
        Cell(milliseconds(row.latency_ms), row.latency_ms),
        spread,
        Cell(milliseconds(row.p95_ms), row.p95_ms),
        number_cell(row.runs_per_second, ".1f"),
        number_cell(row.top1, ".2%"),
        number_cell(row.memory_mb, ".0f"),
        number_cell(
            row.relative_error,
            ".1e" if row.relative_error else "g",
            "bad" if row.wrong_output else "",
        ),
        number_cell(row.hottest, ".0f"),
        Cell(f"{row.measured}/{row.repeats}", row.measured, "" if all_there else "bad"),
    )


def _ran_on_mark(row: Measurement) -> Mark:
    if row.wrong_output:
        return "bad"
    uncertain = row.fell_back or row.ran_on is None
    return "warn" if uncertain and row.measured else ""


def file_section(report: "RunReport") -> Section:
    """A row for each file."""
    return Section(
        name="files",
        title="Files and accuracy",
        note="top-1: the share of samples whose label the file finds. same top-1: the share on "
        "which it chooses the Keras model's class. run on: where it was evaluated.",
        columns=(
            Column("file"),
            Column("precision"),
            Column("KiB", numeric=True),
            Column("million MACs", numeric=True),
            Column("top-1", numeric=True),
            Column("top-5", numeric=True, detail=True),
            Column("same top-1", numeric=True),
            Column("samples", numeric=True),
            Column("run on"),
            Column("evaluated on", detail=True),
            Column("SHA-256", detail=True),
            Column("remark"),
        ),
        rows=tuple(
            _file_row(file, accuracy)
            for file in report.files
            for accuracy in file.accuracies or (None,)
        ),
    )


def _file_row(file: FileEntry, found: Accuracy | None) -> tuple[Cell, ...]:
    return (
        Cell(file.name),
        Cell(file.precision or "–"),
        number_cell(None if file.size_bytes is None else file.size_bytes / 1024, ",.0f"),
        _macs(file),
        number_cell(found.top1 if found else None, ".2%"),
        number_cell(found.top5 if found else None, ".2%"),
        number_cell(found.agreement if found else None, ".2%"),
        number_cell(found.samples if found else None, ",d"),
        Cell(shown(found.ran_on) if found else "–"),
        Cell(shown(found.source) if found else "not evaluated"),
        Cell(file.sha256[:_DIGITS_SHOWN] if file.sha256 else "–"),
        Cell(shown(file.missing) if file.missing else "–", mark="warn" if file.missing else ""),
    )


def _macs(file: FileEntry) -> Cell:
    if file.macs is None:
        return number_cell(None, "")
    millions = file.macs / 1e6
    return Cell(f"{'≥ ' if file.not_counted else ''}{millions:,.1f}", millions)


def problem_section(report: "RunReport") -> Section:
    """A row for each kind of problem, with the repetitions that have it."""
    alike: dict[tuple[str, ...], list[Problem]] = {}
    for row in report.problems:
        key = (row.file, row.place, row.delegate, row.kind, row.reason)
        alike.setdefault(key, []).append(row)
    return Section(
        name="problems",
        title="Failed, unfinished and doubtful runs",
        note="log: in this report's run folder, of the first of these runs.",
        columns=(
            *(Column("file"), Column("on"), Column("delegate"), Column("run")),
            *(Column("what"), Column("why"), Column("log", detail=True)),
        ),
        rows=tuple(_problem_row(same, report.folder) for same in alike.values()),
    )


def _problem_row(alike: Sequence[Problem], folder: Path) -> tuple[Cell, ...]:
    first = alike[0]
    repeats = sorted(row.repeat for row in alike if row.repeat is not None)
    return (
        Cell(first.file),
        Cell(first.place),
        Cell(shown(first.delegate)),
        Cell(", ".join(map(str, repeats)) or "–"),
        Cell(first.kind, mark=_PROBLEM_MARKS[first.kind]),
        Cell(shown(first.reason)),
        Cell("–" if first.log is None else shown(_inside(first.log, folder))),
    )


def _inside(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def place_section(report: "RunReport") -> Section:
    """A row for each phone and computer."""
    return Section(
        name="places",
        title="Measured on",
        note="target: whose delegates the rules are for.",
        columns=(Column("name"), Column("what it is"), Column("target")),
        rows=tuple(
            (Cell(place.name), Cell(shown(place.details)), Cell(place.target or "–"))
            for place in report.places
        ),
    )
