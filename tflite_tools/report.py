"""Records as tables for people and as JSON for programs."""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tflite_tools.records import ConversionRecord

_TEXT_WIDTH = 100


@dataclass(frozen=True)
class ConversionReport:
    """What `convert` wrote. `print` shows it as a table.

    Attributes:
        records: One `ConversionRecord` for each file.
        samples_from: Which samples the comparison with the Keras model ran on.
        calibration: What int8 was calibrated on; None if nothing was quantised.
    """

    records: tuple[ConversionRecord, ...]
    samples_from: str
    calibration: str | None

    def __str__(self) -> str:
        return as_text(conversion_table(self))

    def to_json(self) -> str:
        """The report as a JSON object."""
        return json.dumps(asdict(self), indent=2, default=str, allow_nan=False)


def conversion_table(report: ConversionReport) -> Table:
    """One row for each file: size, operators, distance from the Keras model."""
    caption = f"Compared with the Keras model on {report.samples_from}."
    if report.calibration is not None:
        caption += f"\nint8 calibrated on {report.calibration}."
    if any(record.precision == "float16" for record in report.records):
        caption += "\nIn float16 files DEQUANTIZE unpacks the weights, once, when a file is loaded."
    table = Table(
        title=f"Files in {escape(str(_folder(report)))}",
        caption=caption,
        title_style="bold",
        show_lines=True,
    )
    table.add_column("file", no_wrap=True, overflow="fold", style="bold")
    for heading in ("KiB", "same top-1", "max error"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("ops", overflow="fold")
    for record in report.records:
        table.add_row(*_conversion_row(record))
    return table


def as_text(table: Table) -> str:
    """A table as plain text."""
    console = Console(file=io.StringIO(), width=_TEXT_WIDTH)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip("\n")


def _folder(report: ConversionReport) -> Path:
    return report.records[0].file.parent


def _conversion_row(record: ConversionRecord) -> tuple[str, ...]:
    evaluation = record.evaluation
    return (
        escape(record.file.name),
        f"{record.size_bytes / 1024:.0f}",
        _formatted(evaluation.agreement, ".1%"),
        _formatted(evaluation.max_abs_error, ".1e"),
        ", ".join(f"{name}×{count}" for name, count in record.ops.items()),
    )


def _formatted(value: float | None, spec: str) -> str:
    """Not every model has every figure: one without classes has no top-1."""
    return "–" if value is None else format(value, spec)


def print_report(report: ConversionReport, *, as_json: bool) -> None:
    """Prints a report to standard output."""
    if as_json:
        print(report.to_json())
    else:
        Console().print(conversion_table(report))
