"""The rows of a report as CSV, for spreadsheets and programs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from tflite_tools.run_report.records import Comparison, Measurement


def measurements_csv(rows: Sequence[Measurement]) -> str:
    """A line for each measurement; what is not known is an empty cell."""
    return _csv([field.name for field in fields(Measurement)], map(asdict, rows))


def comparisons_csv(rows: Sequence[Comparison]) -> str:
    """A line for each comparison, with what the rules say in columns of its own."""
    names = ("coverage", "taken", "operators", "mac_share", "partitions")
    own = [field.name for field in fields(Comparison) if field.name != "predicted"]
    lines = (
        {
            **asdict(row),
            **{f"predicted_{name}": getattr(row.predicted, name, None) for name in names},
        }
        for row in rows
    )
    return _csv([*own, *(f"predicted_{name}" for name in names)], lines)


def _csv(names: list[str], rows: Any) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
