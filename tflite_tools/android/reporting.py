"""Runs on phones as one row for each file, delegate and phone."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tflite_tools.android.cores import core_complaints
from tflite_tools.android.judging import measured
from tflite_tools.android.program_names import program_names
from tflite_tools.android.records import AndroidRun, DeviceInfo
from tflite_tools.android.screens import screen_complaints
from tflite_tools.naming import file_names
from tflite_tools.printable import shown
from tflite_tools.tables import as_text, file_table, formatted, milliseconds, to_json
from tflite_tools.thread_counts import in_words


@dataclass(frozen=True)
class AndroidSummary:
    """The repetitions of one combination whose figures are of the same kind.

    Attributes:
        serial: The phone.
        file: The .tflite file.
        binary: "classic" or "litert".
        program: The file name of the binary and the beginning of its content's hash.
        delegate: As it was asked for.
        ran_on: Whose figures these are; None if unknown. A delegate that ran a part only is
            named too: see `delegated_share`.
        num_threads: How many threads the CPU's operators might use.
        measured: How many of the repetitions have a latency.
        repeats: How many there are.
        latency_ms: The median over them of the median, or where the binary does not tell it, of
            the mean, of a start's runs; None without any.
        spread_ms: The smallest and the largest of these.
        p95_ms: The median of their 95th percentiles; None if the binary does not tell it.
        memory_mb: The largest growth of the memory footprint.
        delegated_share: The share of the operators that the delegate took.
        relative_error: The largest error of the outputs, relative to the largest output.
        hottest: The highest temperature before one of the runs, in °C.
    """

    serial: str
    file: Path
    binary: str
    program: str
    delegate: str
    ran_on: str | None
    num_threads: int
    measured: int
    repeats: int
    latency_ms: float | None
    spread_ms: tuple[float, float] | None
    p95_ms: float | None
    memory_mb: float | None
    delegated_share: float | None
    relative_error: float | None
    hottest: float | None


@dataclass(frozen=True)
class AndroidReport:
    """What `benchmark_android` found. `print` shows it as tables.

    Attributes:
        output: The folder with the logs.
        devices: The phones.
        runs: All finished runs.
        left_out: What could not be asked for, a line each.
        problems: What went wrong with whole phones, a line each.
    """

    output: Path
    devices: tuple[DeviceInfo, ...]
    runs: tuple[AndroidRun, ...]
    left_out: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def summaries(self) -> tuple[AndroidSummary, ...]:
        """One for each phone, file, binary, delegate and number of threads, and whoever ran it."""
        groups: dict[tuple[object, ...], list[AndroidRun]] = {}
        for run in self.runs:
            whose = run.binary, run.program, run.delegate, run.ran_on, run.num_threads
            groups.setdefault((run.serial, run.file, *whose), []).append(run)
        return tuple(map(summarize, groups.values()))

    @property
    def passed(self) -> bool:
        """Whether every phone finished, every run was measured and no output is wrong."""
        return not self.problems and all(
            measured(run) and not run.wrong_output for run in self.runs
        )

    def __str__(self) -> str:
        return "\n".join([as_text(self.table()), *self.complaints()])

    def table(self) -> RenderableType:
        """A table for each phone."""
        return Group(*map(self._device_table, self.devices))

    def complaints(self) -> list[str]:
        """What went wrong and what was left out, a line each."""
        names, files = program_names(self.runs), self._file_names()
        lines = [
            f"{run.serial}: {files[run.file]}, {run.delegate}, "
            f"{names.get(run.program, run.binary)}, {in_words(run.num_threads)}, "
            f"run {run.repeat}: {run.problem}."
            for run in self.runs
            if run.problem
        ]
        ended = (line.replace("..", ".") for line in lines)
        doubts = [*core_complaints(self.devices), *screen_complaints(self.runs)]
        return [shown(line) for line in (*self.problems, *ended, *doubts, *self.left_out)]

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(_Json(summaries=self.summaries, passed=self.passed, **vars(self)))

    def _device_table(self, device: DeviceInfo) -> Table:
        columns = ("ms", "spread", "p95", "MB", "error", "°C")
        title = escape(
            shown(
                f"{device.model}, {device.soc or 'unknown chip'}, Android {device.android or '?'} "
                f"({device.serial})"
            )
        )
        caption = escape(f"Medians of the runs; spread over the repetitions. Logs in {self.output}")
        table = file_table(title, (), caption=caption)
        for heading in ("delegate", "ran on"):
            table.add_column(heading, overflow="fold")
        for heading in columns:
            table.add_column(heading, justify="right", no_wrap=True)
        several = len({run.num_threads for run in self.runs}) > 1
        names, files = program_names(self.runs), self._file_names()
        for summary in self.summaries:
            if summary.serial == device.serial:
                cells = _cells(summary, names.get(summary.program), name_threads=several)
                table.add_row(*map(escape, (files[summary.file], *cells)))
        return table

    def _file_names(self) -> dict[Path, str]:
        return file_names(run.file for run in self.runs)


@dataclass(frozen=True)
class _Json:
    """The report with what follows from it."""

    passed: bool
    summaries: tuple[AndroidSummary, ...]
    output: Path
    devices: tuple[DeviceInfo, ...]
    runs: tuple[AndroidRun, ...]
    left_out: tuple[str, ...]
    problems: tuple[str, ...]


def summarize(runs: Sequence[AndroidRun]) -> AndroidSummary:
    """Runs of one combination and one kind as one row."""
    first = runs[0]
    good = [run for run in runs if measured(run)]
    latencies = _known([run.record.median_ms or run.record.mean_ms for run in good])
    p95 = _known([run.record.p95_ms for run in good])
    errors = [run.output.relative_error for run in good if run.output]
    nodes, taken = first.record.nodes, first.record.delegated_nodes
    return AndroidSummary(
        serial=first.serial,
        file=first.file,
        binary=first.binary,
        program=first.program,
        delegate=first.delegate,
        ran_on=first.ran_on,
        num_threads=first.num_threads,
        measured=len(good),
        repeats=len(runs),
        latency_ms=statistics.median(latencies) if latencies else None,
        spread_ms=(min(latencies), max(latencies)) if latencies else None,
        p95_ms=statistics.median(p95) if p95 else None,
        memory_mb=max(_known([run.record.memory_mb for run in good]), default=None),
        delegated_share=taken / nodes if nodes and taken is not None else None,
        relative_error=max(errors, default=None),
        hottest=max(_known([run.before.hottest for run in runs if run.before]), default=None),
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _cells(summary: AndroidSummary, program: str | None, *, name_threads: bool) -> tuple[str, ...]:
    tool = f" ({shown(program)})" if program else " (LiteRT)" if summary.binary == "litert" else ""
    threads = f", {in_words(summary.num_threads)}" if name_threads else ""
    share = summary.delegated_share
    partly = summary.ran_on not in (None, "cpu") and share is not None and share < 1
    ran_on = summary.ran_on or "unknown"
    spread = summary.spread_ms
    return (
        f"{shown(summary.delegate)}{tool}{threads}",
        f"{ran_on} ({share:.0%} of ops)" if partly else ran_on,
        milliseconds(summary.latency_ms),
        "–" if spread is None else "–".join(map(milliseconds, spread)),
        milliseconds(summary.p95_ms),
        formatted(summary.memory_mb, ".0f"),
        formatted(summary.relative_error, ".1e"),
        formatted(summary.hottest, ".0f"),
    )
