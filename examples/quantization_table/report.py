"""Measured files as a table of means and spreads over the seeds, and as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import rich
import rich.table

from quantization_table.measured import QAT, Row
from tflite_tools.output_folder import whole_file

GOAL = 0.5  # percentage points in the mean: one of the digits' test images is 0.28
FLOAT = "float32"
CAPTION = """\
top-1 and agreement (same first choice as the Keras model): percent of the
test images, mean and standard deviation over the seeds; ratio: latency of
one image on one thread, relative to the float32 file"""


def print_report(rows: list[Row], *, check: bool) -> int:
    """Prints the table and how QAT did; returns the exit code, 1 if it missed the goal."""
    rich.print(_table(rows))
    losses = {network: _losses(rows, network) for network in _networks(rows)}
    for network, lost in losses.items():
        print(
            f"{network}: QAT loses {np.mean(lost):.2f} percentage points of float32's top-1 in the "
            f"mean, {max(lost):.2f} at most."
        )
    missed = check and any(np.mean(lost) > GOAL for lost in losses.values())
    if missed:
        print(f"That is more than {GOAL} percentage points in the mean.")
    return int(missed)


def write_json(path: Path, rows: list[Row], options: argparse.Namespace, data: str) -> None:
    """Writes all rows, and how they were made."""
    record = {
        "data": data,
        "options": vars(options),
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")


def _table(rows: list[Row]) -> rich.table.Table:
    seeds = sorted({row.seed for row in rows})
    table = rich.table.Table(
        title=f"Precisions, seeds {', '.join(map(str, seeds))}",
        caption=CAPTION,
        caption_justify="left",
    )
    for heading in ("network", "precision"):
        table.add_column(heading, no_wrap=True)
    for heading in ("top-1", "agreement", "KiB", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for network in _networks(rows):
        for precision in dict.fromkeys(row.precision for row in rows):
            chosen = _chosen(rows, network, precision)
            table.add_row(
                network,
                precision,
                _percent([row.top1 for row in chosen]),
                _percent([row.agreement for row in chosen]),
                f"{np.mean([row.size_bytes for row in chosen]) / 1024:,.0f}",
                f"{np.median([row.latency_ratio for row in chosen]):.2f}",
            )
        table.add_section()
    return table


def _percent(values: list[float]) -> str:
    mean, spread = 100 * np.mean(values), 100 * np.std(values, ddof=1) if len(values) > 1 else None
    return f"{mean:.2f}" if spread is None else f"{mean:.2f} ± {spread:.2f}"


def _losses(rows: list[Row], network: str) -> list[float]:
    """What QAT loses of float32's accuracy, seed by seed, in percentage points."""
    pairs = zip(_chosen(rows, network, FLOAT), _chosen(rows, network, QAT), strict=True)
    return [100 * (before.top1 - after.top1) for before, after in pairs]


def _networks(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row.network for row in rows))


def _chosen(rows: list[Row], network: str, precision: str) -> list[Row]:
    return [row for row in rows if (row.network, row.precision) == (network, precision)]
