"""What runs on the GPU gave, as a table and as JSON."""

from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from tflite_tools.gpu.records import GpuFailure, GpuRecord
from tflite_tools.tables import as_text, file_table, formatted, to_json


@dataclass(frozen=True)
class GpuReport:
    """What runs on the GPU gave. `print` shows it as a table.

    Attributes:
        records: One `GpuRecord` for each file that ran.
        failures: The files that did not run, and why.
    """

    records: tuple[GpuRecord, ...]
    failures: tuple[GpuFailure, ...] = ()

    def __str__(self) -> str:
        return as_text(self.table())

    @property
    def passed(self) -> bool:
        """Whether all files ran, and computed on the GPU what they compute on the processor."""
        return not self.failures and all(record.passed for record in self.records)

    def complaints(self) -> list[str]:
        """A line for each file that did not, or whose outputs say nothing."""
        return [
            *(failure.reason for failure in self.failures),
            *self._differences(),
            *self._empty_comparisons(),
        ]

    def _differences(self) -> list[str]:
        return [
            f"{record.file}: expected outputs within {record.allowed_error:.1e} of the "
            f"processor's, got a difference of {record.comparison.max_abs_error:.1e} on the GPU "
            f"(--tolerance {record.tolerance:g})."
            for record in self.records
            if not record.passed
        ]

    def _empty_comparisons(self) -> list[str]:
        """Any GPU would pass that gives little or nothing."""
        return [
            f"{record.file}: no output is larger than {record.largest_output:.1e}, and differences "
            f"of {record.allowed_error:.1e} are allowed: the comparison says nothing. Give a "
            "trained model, or samples that it answers."
            for record in self.records
            if record.says_nothing
        ]

    def table(self) -> Table:
        """One row for each file that ran: its distance from the processor, its times."""
        if not self.records:
            return file_table("no file ran on the GPU", ())
        samples = self.records[0].comparison.samples
        caption = (
            f"All operators ran on it. Compared with the processor on {samples} samples. A run is "
            "timed with the writing of its input and the reading of its output."
        )
        if any(record.software for record in self.records):
            caption += "\nThis GPU is a program: its times say nothing of a real one."
        table = file_table(
            f"on {escape(self.records[0].device)}",
            ("same top-1", "max error", "allowed", "first, median, p95 ms"),
            caption=caption,
        )
        for record in self.records:
            table.add_row(
                escape(record.file.name),
                formatted(None if record.says_nothing else record.comparison.agreement, ".1%"),
                formatted(record.comparison.max_abs_error, ".1e"),
                f"{record.allowed_error:.1e}" + ("" if record.passed else ": FAILED"),
                f"{record.first_ms:.1f}, {record.median_ms:.2f}, {record.p95_ms:.2f}",
            )
        return table

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)
