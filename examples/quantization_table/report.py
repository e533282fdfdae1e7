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

GOAL = 0.005
FLOAT = "float32"
CAPTION = """\
top-1: mean over the seeds, lowest to highest in brackets; agreement: test images
with the same first choice as the Keras model; ratio: latency of one image on one
thread relative to the float32 file, medians of interleaved runs"""


def print_report(rows: list[Row], *, check: bool) -> int:
    """Prints the table and whether QAT reached its goal; returns the exit code."""
    rich.print(_table(rows))
    if not check:
        return 0
    missed = [text for network in _networks(rows) if (text := _shortfall(rows, network))]
    print("\n".join(missed) or f"QAT is within {100 * GOAL} percentage points of float32.")
    return 1 if missed else 0


def write_json(path: Path, rows: list[Row], options: argparse.Namespace, data: str) -> None:
    """Writes all rows, and how they were made."""
    record = {
        "data": data,
        "options": vars(options),
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    path.write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")


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
    mean, low, high = (100 * each for each in (np.mean(values), min(values), max(values)))
    return f"{mean:.2f} % ({low:.2f}–{high:.2f})"


def _shortfall(rows: list[Row], network: str) -> str | None:
    """What QAT lacks of its goal: seed by seed, and in the mean."""
    lost = {
        row.seed: row.top1 - qat.top1
        for row, qat in zip(_chosen(rows, network, FLOAT), _chosen(rows, network, QAT), strict=True)
    }
    worst = max(lost.values())
    if worst <= GOAL:
        return None
    return (
        f"{network}: QAT is {100 * worst:.2f} percentage points below float32 with seed "
        f"{max(lost, key=lost.__getitem__)}, {100 * np.mean(list(lost.values())):.2f} in the mean; "
        f"the goal is {100 * GOAL}."
    )


def _networks(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row.network for row in rows))


def _chosen(rows: list[Row], network: str, precision: str) -> list[Row]:
    return [row for row in rows if (row.network, row.precision) == (network, precision)]
