"""What the charts of a report show, however they are drawn."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflite_tools.run_report.labels import delegate_label
from tflite_tools.run_report.records import Comparison, Coverage, Measurement

if TYPE_CHECKING:
    from tflite_tools.run_report.report import RunReport

KINDS = ("cpu", "gpu", "nnapi", "hexagon", "qnn")


@dataclass(frozen=True)
class Bar:
    """A latency.

    Attributes:
        file: The file's name.
        label: The delegate that was asked for, and whoever ran it if that is another.
        kind: Whose colour it has: one of `KINDS`, or "unknown".
        value: The latency in milliseconds; None if there is none.
        low: The lower end of the spread.
        high: Its upper end.
        remark: Why it is no figure of the delegate, or none at all; "" if it is one.
    """

    file: str
    label: str
    kind: str
    value: float | None
    low: float | None
    high: float | None
    remark: str


@dataclass(frozen=True)
class Point:
    """A file's accuracy against its latency.

    Attributes:
        number: The file's number in the legend, from 1.
        file: Its name.
        label: As of a `Bar`.
        kind: As of a `Bar`.
        latency: In milliseconds.
        top1: The share of samples.
        remark: As of a `Bar`.
    """

    number: int
    file: str
    label: str
    kind: str
    latency: float
    top1: float
    remark: str


@dataclass(frozen=True)
class CoverageRow:
    """What the delegates of a target take of a file.

    Attributes:
        file: The file's name.
        target: The phone.
        cells: What each delegate takes, and what logs say of it; None where the target has no
            such delegate.
    """

    file: str
    target: str
    cells: tuple[tuple[Coverage, tuple[Comparison, ...]] | None, ...]


def latency_bars(report: "RunReport") -> dict[str, list[Bar]]:
    """The bars of each place, those of a file together."""
    order = {file.name: position for position, file in enumerate(report.files)}
    bars: dict[str, list[Bar]] = {}
    for row in sorted(report.measurements, key=lambda row: order[row.file]):
        bar = Bar(
            row.file, _label(row), _kind(row), row.latency_ms, row.low_ms, row.high_ms, _remark(row)
        )
        bars.setdefault(row.place, []).append(bar)
    return bars


def accuracy_points(report: "RunReport") -> dict[str, list[Point]]:
    """The points of each place that has any.

    Wrong outputs have no accuracy, and a delegate that fell back repeats the CPU's point.
    """
    numbers = {file.name: number for number, file in enumerate(report.files, start=1)}
    points: dict[str, list[Point]] = {}
    for row in report.measurements:
        if row.latency_ms is None or row.top1 is None or row.wrong_output or row.fell_back:
            continue
        points.setdefault(row.place, []).append(
            Point(
                number=numbers[row.file],
                file=row.file,
                label=_label(row),
                kind=_kind(row),
                latency=row.latency_ms,
                top1=row.top1,
                remark=_remark(row),
            )
        )
    return points


def coverage_matrix(report: "RunReport") -> tuple[tuple[str, ...], list[CoverageRow]]:
    """The delegates, and a row for each file and target with a cell for each of them."""
    delegates = tuple(dict.fromkeys(one.delegate for one in report.coverage))
    by_key = {(one.file, one.target, one.delegate): one for one in report.coverage}
    rows = [
        CoverageRow(
            file=file,
            target=target,
            cells=tuple(
                _cell(report, by_key.get((file, target, delegate))) for delegate in delegates
            ),
        )
        for file, target in dict.fromkeys((one.file, one.target) for one in report.coverage)
    ]
    return delegates, rows


def _cell(
    report: "RunReport", coverage: Coverage | None
) -> tuple[Coverage, tuple[Comparison, ...]] | None:
    if coverage is None:
        return None
    # A computer is no target: it stands in a row of a phone only where there is no phone.
    phones = {place.name for place in report.places if place.target == coverage.target}
    there_are_phones = any(place.target for place in report.places)
    return coverage, tuple(
        row
        for row in report.comparisons
        if row.predicted == coverage and (row.place in phones or not there_are_phones)
    )


def _label(row: Measurement) -> str:
    label = delegate_label(row)
    return f"{label} → cpu" if row.fell_back else label


def _kind(row: Measurement) -> str:
    return row.ran_on if row.ran_on in KINDS else "unknown"


def _remark(row: Measurement) -> str:
    if row.latency_ms is None:
        return "no figures: all runs failed"
    if row.wrong_output:
        return "wrong output"
    if row.fell_back:
        return "fell back to the CPU"
    return "unknown who ran it" if row.ran_on is None else ""
