"""Results as tables for the terminal and for Markdown, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import rich.console
import rich.markup
import rich.table
from markdown_tables import markdown_table
from whole_files import write_text

from training_cost.results import Result, Row, Spread

HEADINGS = (
    "variant",
    "ms",
    "CPU time / BN",
    "time / BN",
    "peak MiB",
    "/ BN",
    "GFLOP",
    "/ BN",
)
UNKNOWN = "–"
TEXT_WIDTH = 200  # more than the table takes: a file has no width
CAPTION = (
    "ms: median time of a training step; ratios of times: median [quartiles] over the rounds; "
    "peak MiB: memory that a step needs beyond what is held between steps, as the framework's "
    "allocator counts it if it does, else resident memory; GFLOP: operations of the forward and "
    "backward pass, as the framework counts them."
)


def print_table(result: Result) -> None:
    """Prints the table of one comparison."""
    table = rich.table.Table(
        title=rich.markup.escape(heading(result)),
        caption=rich.markup.escape("\n".join([CAPTION, *remarks(result.rows)])),
        caption_justify="left",
    )
    for index, name in enumerate(HEADINGS):
        table.add_column(name, justify="right" if index else "left", overflow="fold")
    for row in result.rows:
        table.add_row(*(rich.markup.escape(cell) for cell in cells(row)))
    width = None if sys.stdout.isatty() else TEXT_WIDTH
    rich.console.Console(width=width).print(table)


def markdown(results: Sequence[Result], machine: dict[str, Any]) -> str:
    """Returns the tables of all comparisons, and the machine they were measured on."""
    described = ", ".join(f"{key} {value}" for key, value in machine.items())
    lines = ["# Cost of a training step", "", f"Measured on {described}.", "", CAPTION]
    for result in results:
        lines += ["", f"## {heading(result)}", ""]
        lines += markdown_table(HEADINGS, map(cells, result.rows))
        lines += [line for remark in remarks(result.rows) for line in ("", remark)]
    return "\n".join(lines) + "\n"


def write_json(
    path: Path, results: Sequence[Result], machine: dict[str, Any], options: dict[str, Any]
) -> None:
    """Writes everything that was measured, each sample included."""
    record = {
        "machine": machine,
        "options": options,
        "results": [dataclasses.asdict(result) for result in results],
    }
    write_text(path, json.dumps(record, indent=2, default=str) + "\n")


def heading(result: Result) -> str:
    version, gpu = result.device.get("version"), result.device.get("gpu")
    framework = str(result.comparison) + (f" {version}" if version else "")
    return f"{framework}, {gpu or 'CPU'}"


def cells(row: Row) -> list[str]:
    return [
        row.variant,
        _figure(row.wall_ms, ",.1f"),
        _spread(row.cpu_ratio),
        _spread(row.wall_ratio),
        _figure(row.memory_mib, ",.1f"),
        _figure(row.memory_ratio, ".2f"),
        _figure(row.gflop, ",.2f"),
        _figure(row.flop_ratio, ".2f"),
    ]


def remarks(rows: Sequence[Row]) -> list[str]:
    """Returns a line on each variant that is missing from the table or incomplete in it."""
    return [f"{row.variant}: {remark}." for row in rows for remark in _remarks(row)]


def _remarks(row: Row) -> Iterator[str]:
    if row.problem is not None:
        yield f"{'failed' if row.failed else 'not available'}: {row.problem}"
        return
    if row.memory_mib is None:
        yield "this system does not let a process measure its peak memory"
    if row.gflop is None:
        yield "the framework cannot count its operations"


def _figure(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)


def _spread(ratio: Spread | None) -> str:
    if ratio is None:
        return UNKNOWN
    return f"{ratio.median:.2f} [{ratio.lower:.2f}–{ratio.upper:.2f}]"
