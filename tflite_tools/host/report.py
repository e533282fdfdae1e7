"""A benchmark on this machine as a table and as JSON."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tflite_tools.host.machine import warnings_about
from tflite_tools.host.profile_table import profile_table
from tflite_tools.host.records import HostRecord, Machine
from tflite_tools.naming import file_names
from tflite_tools.tables import as_text, file_table, formatted, milliseconds, to_json
from tflite_tools.thread_counts import in_words

_COLUMNS = ("ms", "p95", "ratio", "of CPU", "per s", "load ms", "MB", "XNNPACK")


@dataclass(frozen=True)
class HostReport:
    """What `benchmark_host` found. `print` shows it as a table.

    Attributes:
        machine: What it was measured on.
        rounds: How many turns each file had.
        records: One for each number of threads and file, in that order.
        problems: What was asked for and could not be measured, a line each.
    """

    machine: Machine
    rounds: int
    records: tuple[HostRecord, ...]
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True: there is no check that a benchmark on this machine could fail."""
        return True

    def __str__(self) -> str:
        return "\n".join([as_text(self.table()), *self.complaints()])

    def table(self) -> RenderableType:
        """A table for each number of threads, and one for each profile."""
        counts = dict.fromkeys(record.num_threads for record in self.records)
        names = self._names()
        profiles = (
            profile_table(record, names[record.file])
            for record in self.records
            if record.op_profile
        )
        return Group(*map(self._table, counts), *profiles)

    def complaints(self) -> list[str]:
        """What is missing or doubtful, and what XNNPACK did not take, a line each."""
        most = max(record.num_threads for record in self.records)
        return [
            *self.problems,
            *warnings_about(self.machine, most),
            *self._any_size(),
            *self._not_taken(),
        ]

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)

    def _table(self, num_threads: int) -> Table:
        machine, names = self.machine, self._names()
        where = f"{machine.cores} × {machine.cpu}, LiteRT {machine.litert}"
        table = file_table(
            escape(f"{in_words(num_threads)} of {where}"),
            _COLUMNS,
            caption="ms: median; ratio: to the first file; of CPU: ratio of processor times, which "
            "other work disturbs less; per s: inferences; load ms, MB: a fresh "
            "process; XNNPACK: operators that it took, + ? and what loops run.",
        )
        for record in self.records:
            if record.num_threads == num_threads:
                table.add_row(*map(escape, (names[record.file], *_cells(record))))
        return table

    def _names(self) -> dict[Path, str]:
        return file_names(record.file for record in self.records)

    def _any_size(self) -> list[str]:
        names = self._names()
        lines = (
            f"{names[record.file]}: takes inputs of any size, and was measured with one of "
            f"{record.measured_shape}: larger ones take longer."
            for record in self.records
            if record.measured_shape is not None
        )
        return list(dict.fromkeys(lines))

    def _not_taken(self) -> list[str]:
        names = self._names()
        lines = (
            f"{names[record.file]}: XNNPACK did not take {ops.op}×{ops.count}: {ops.reason}"
            + ("; what it runs was not looked into." if ops.runs_subgraphs else ".")
            for record in self.records
            for ops in record.ops_not_taken
        )
        return list(dict.fromkeys(lines))  # said once, whatever the number of threads


def _cells(record: HostRecord) -> tuple[str, ...]:
    taken = record.ops_total - sum(ops.count for ops in record.ops_not_taken)
    return (
        milliseconds(record.median_ms),
        milliseconds(record.p95_ms),
        f"{record.ratio:.2f}",
        formatted(record.cpu_ratio, ".2f"),
        f"{record.throughput:.1f}",
        f"{record.init_ms:.0f}",
        formatted(record.peak_memory_mb, ".1f"),
        f"{taken}/{record.ops_total}" + (" + ?" if _runs_subgraphs(record) else ""),
    )


def _runs_subgraphs(record: HostRecord) -> bool:
    return any(ops.runs_subgraphs for ops in record.ops_not_taken)
