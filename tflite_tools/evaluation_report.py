"""What `evaluate` found, as tables and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from tflite_tools.gates import GateResult
from tflite_tools.records import DeviceRecord, EvaluationRecord, LabelFigures, ReferenceRecord
from tflite_tools.tables import as_text, file_table, formatted, to_json

_SHOWN_CHANGES = 5
# The fields of a record, with the heading and the format of each.
_COLUMNS = {
    "top1": ("top-1", ".2%"),
    "top5": ("top-5", ".2%"),
    "calibration_error": ("ECE", ".2%"),
    "agreement": ("same top-1", ".2%"),
    "max_abs_error": ("max error", ".1e"),
    "mean_abs_error": ("mean error", ".1e"),
}


@dataclass(frozen=True)
class EvaluationReport:
    """How .tflite files did on the same samples. `print` shows it as a table.

    Attributes:
        records: One `EvaluationRecord` for each file.
        reference: What they were compared with; None without a reference.
        source: Which samples they ran on.
        class_names: The name of each class, if they are known.
        gates: What was asked of the files, and whether they reached it.
    """

    records: tuple[EvaluationRecord, ...]
    reference: ReferenceRecord | None
    source: str
    class_names: tuple[str, ...] | None = None
    gates: tuple[GateResult, ...] = ()

    def __str__(self) -> str:
        return as_text(self.table())

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)

    def table(self) -> Group:
        """The figures of all files side by side, and below them the choices that changed."""
        tables = [_figures(self)]
        devices = [r.accelerator for r in self.records if r.accelerator is not None]
        if devices:  # then all files ran there
            tables.append(_devices(self, devices))
        if any(record.changed for record in self.records):
            tables.append(_changes(self))
        return Group(*tables)


def _figures(report: EvaluationReport) -> Table:
    rows: list[tuple[str, EvaluationRecord | LabelFigures]] = []
    if report.reference is not None:
        rows.append((f"{report.reference.name} (reference)", report.reference.figures))
    rows += zip(_names(report), report.records, strict=True)
    shown = [
        field
        for field in _COLUMNS
        if any(getattr(figures, field, None) is not None for _, figures in rows)
    ]
    headings = [_COLUMNS[field][0] for field in shown]
    table = file_table("Evaluation", headings, caption=_caption(report, shown))
    for name, figures in rows:
        cells = (formatted(getattr(figures, field, None), _COLUMNS[field][1]) for field in shown)
        table.add_row(escape(name), *cells)
    return table


def _devices(report: EvaluationReport, devices: Sequence[DeviceRecord]) -> Table:
    table = file_table(
        f"On {escape(devices[0].device)}, compared with the CPU",
        ("same top-1", "max error", "mean error", "of"),
        caption="All figures above are those of this GPU."
        + (" It is a program on the CPU." if devices[0].software else ""),
    )
    for name, device in zip(_names(report), devices, strict=True):
        table.add_row(
            escape(name),
            formatted(device.agreement, ".2%"),
            f"{device.max_abs_error:.1e}",
            f"{device.mean_abs_error:.1e}",
            f"{device.largest_output:.3g}",
        )
    return table


def _caption(report: EvaluationReport, shown: list[str]) -> str:
    caption = f"On {report.records[0].samples} samples from {escape(report.source)}."
    if "agreement" in shown:
        caption += "\nsame top-1: the reference's first choice."
    if "calibration_error" in shown:
        caption += "\nECE: expected calibration error, 15 bins."
    return caption


def _names(report: EvaluationReport) -> list[str]:
    """The files' names, with their folders where names alone would not tell them apart."""
    files = [record.file for record in report.records]
    unique = len({file.name for file in files}) == len(files)
    return [file.name if unique else str(file) for file in files]


def _changes(report: EvaluationReport) -> Table:
    table = file_table("Choices that changed", ("samples",))
    table.add_column("reference → file", overflow="fold")
    finds_less = any(record.worse_classes for record in report.records)
    if finds_less:
        table.add_column("classes found less often", overflow="fold")
    for name, record in zip(_names(report), report.records, strict=True):
        if record.changed is None:
            continue
        cells = [_brief(_changed(report, record))]
        if finds_less:
            cells.append(_brief(_worse(report, record)))
        total = sum(change.count for change in record.changed)
        table.add_row(escape(name), str(total), *cells)
    return table


def _changed(report: EvaluationReport, record: EvaluationRecord) -> list[str]:
    return [
        f"{_class(report, change.reference_class)} → {_class(report, change.file_class)}: "
        f"{change.count}"
        for change in record.changed or ()
    ]


def _worse(report: EvaluationReport, record: EvaluationRecord) -> list[str]:
    return [
        f"{_class(report, worse.label)}: {worse.found_by_reference} → {worse.found} of "
        f"{worse.samples}"
        for worse in record.worse_classes or ()
    ]


def _brief(lines: list[str]) -> str:
    hidden = len(lines) - _SHOWN_CHANGES
    more = [f"and {hidden} more"] if hidden > 0 else []
    return "\n".join([*lines[:_SHOWN_CHANGES], *more]) or "–"


def _class(report: EvaluationReport, index: int) -> str:
    return str(index) if report.class_names is None else escape(report.class_names[index])
