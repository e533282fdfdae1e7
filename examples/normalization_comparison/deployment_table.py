"""The table of the fused files, for the terminal and for Markdown."""

from __future__ import annotations

import sys

import rich.console
import rich.markup
import rich.table

from normalization_comparison.deployed import Deployed, Deployment
from normalization_comparison.variants import VARIANTS

HEADINGS = ("as fused .tflite", "kB", "packed kB", "ms", "ms / BN [quartiles]", "operators")
CAPTION = (
    "float32, batch 1, images of 32×32, one thread, all files in turns in one process; the weights "
    "are not trained. Plain TFLite gains neither speed nor size by 1-bit weights; packed: the size "
    "that a file would have for a kernel that reads them as bits."
)
UNKNOWN = "–"
TEXT_WIDTH = 150  # a file has no width


def print_table(deployment: Deployment) -> None:
    """Prints the table."""
    table = rich.table.Table(
        title=_where(deployment), caption=CAPTION, caption_justify="left", box=None
    )
    for index, heading in enumerate(HEADINGS):
        is_text = index in (0, len(HEADINGS) - 1)
        table.add_column(
            rich.markup.escape(heading), justify="left" if is_text else "right", overflow="fold"
        )
    for row in deployment.rows:
        table.add_row(*map(rich.markup.escape, cells(row)))
    width = None if sys.stdout.isatty() else TEXT_WIDTH
    rich.console.Console(width=width).print(table)


def markdown(deployment: Deployment) -> list[str]:
    """Returns the lines of the table and what it says."""
    lines = [HEADINGS, ["---", *["--:"] * (len(HEADINGS) - 2), "---"]]
    lines += map(cells, deployment.rows)
    table = [f"| {' | '.join(line)} |" for line in lines]
    return ["", *table, "", f"{_where(deployment)} {CAPTION}"]


def cells(row: Deployed) -> list[str]:
    low, high = row.ratio_spread
    return [
        VARIANTS[row.variant].title,
        _kilobytes(row.size_bytes),
        UNKNOWN if row.packed_bytes is None else _kilobytes(row.packed_bytes),
        f"{row.median_ms:.2f}",
        f"{row.ratio:.2f} [{low:.2f}, {high:.2f}]",
        ", ".join(f"{count} {op}" for op, count in sorted(row.ops.items())),
    ]


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.0f}"


def _where(deployment: Deployment) -> str:
    return f"Deployed on {deployment.machine}, {deployment.rounds} rounds."
