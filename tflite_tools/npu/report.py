"""What compiling ahead of time gave, as a table and as JSON."""

from collections import Counter
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from tflite_tools.npu.records import CompilationFailure, CompilationRecord
from tflite_tools.tables import as_text, file_table, to_json

_REASONS_SHOWN = 8


@dataclass(frozen=True)
class CompilationReport:
    """What compiling ahead of time gave. `print` shows it as a table.

    Attributes:
        records: One `CompilationRecord` for each file that was compiled.
        failures: The files that could not be compiled, and why.
    """

    records: tuple[CompilationRecord, ...]
    failures: tuple[CompilationFailure, ...] = ()

    def __str__(self) -> str:
        return as_text(self.table())

    def table(self) -> Table:
        """One row for each file: what runs on the neural processor, and what became of the size."""
        table = file_table(
            f"compiled for {escape(', '.join(sorted({r.soc for r in self.records})) or 'no chip')}",
            ("operators", "partitions", "KiB before", "KiB", "s"),
            caption=self._caption(),
        )
        for record in self.records:
            table.add_row(
                escape(record.file.name),
                f"{record.offloaded} of {record.operators}",
                str(record.partitions),
                f"{record.source_bytes / 1024:,.0f}",
                f"{record.size_bytes / 1024:,.0f}",
                f"{record.compile_seconds:.1f}",
            )
        return table

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)

    def _caption(self) -> str:
        lines = ["Operators that run on the neural processor; nothing was run."]
        lines += dict.fromkeys(note for record in self.records for note in record.notes)
        for record in self.records:
            counts = Counter((refused.op, refused.reason) for refused in record.refused)
            shown = [f"{op}×{n}: {reason}" for (op, reason), n in counts.items()]
            lines += [f"{record.file.name}: on the CPU {line}" for line in shown[:_REASONS_SHOWN]]
            if len(shown) > _REASONS_SHOWN:
                more = len(shown) - _REASONS_SHOWN
                lines.append(f"{record.file.name}: {more} more reasons: see --json")
        return escape("\n".join(lines))
