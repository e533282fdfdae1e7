"""The comparison as a table for the terminal, as Markdown and as JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import rich.console
import rich.markup
import rich.table
from markdown_tables import markdown_table
from whole_files import write_text

from normalization_comparison import deployment_table
from normalization_comparison.deployed import Deployment
from normalization_comparison.runs import Run
from normalization_comparison.setting import Setting
from normalization_comparison.statistics import Difference, Row, rows

HEADINGS = ("", "top-1 %", "lowest", "− BN [95 %]", "p", "time / BN", "memory / BN", "seeds")
UNKNOWN = "–"
TEXT_WIDTH = 110  # a file has no width
CAPTION = (
    "top-1: of the test images after the last epoch, mean ± standard deviation over the seeds, and "
    "the lowest; "
    "− BN: mean difference to BN with the same seeds, in percentage points, with its confidence "
    "interval; p: paired t-test, two-sided, not corrected for the number of rows; time: of a "
    "training image, in these runs; memory: of a training step, as the framework counts it."
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All runs of one setting that are there, and how its networks are deployed if measured."""

    setting: Setting
    runs: list[Run]
    deployment: Deployment | None = None

    @property
    def rows(self) -> list[Row]:
        return rows(self.runs)


def print_table(comparison: Comparison) -> None:
    """Prints the table of one comparison."""
    table = rich.table.Table(
        title=str(comparison.setting), caption=CAPTION, caption_justify="left", box=None
    )
    for index, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if index else "left", overflow="fold")
    for row in comparison.rows:
        table.add_row(*map(rich.markup.escape, cells(row)))
    width = None if sys.stdout.isatty() else TEXT_WIDTH
    console = rich.console.Console(width=width)
    console.print(table)
    if len({(run.device, *sorted(run.versions.items())) for run in comparison.runs}) > 1:
        where = rich.markup.escape(_where(comparison.runs))
        console.print(f"Not all runs are of one machine and of the same versions. {where}")


def markdown(comparisons: Sequence[Comparison]) -> str:
    """Returns the tables of all comparisons."""
    lines = ["# Normalizations compared", "", CAPTION]
    for comparison in comparisons:
        lines += ["", f"## {comparison.setting}", ""]
        lines += markdown_table(HEADINGS, map(cells, comparison.rows))
        lines += ["", _where(comparison.runs)]
        if comparison.deployment is not None:
            lines += deployment_table.markdown(comparison.deployment)
    return "\n".join(lines) + "\n"


def write_json(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Writes the rows, with the figures of every seed."""
    content = [
        {
            "setting": dataclasses.asdict(comparison.setting),
            "rows": [dataclasses.asdict(row) for row in comparison.rows],
            "deployment": comparison.deployment and dataclasses.asdict(comparison.deployment),
        }
        for comparison in comparisons
    ]
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def cells(row: Row) -> list[str]:
    difference = row.difference
    spread = "" if row.std is None else f" ± {row.std:.2f}"
    return [
        row.title,
        f"{row.mean:.2f}{spread}",
        f"{min(row.top1.values()):.2f}",
        UNKNOWN if difference is None else _interval(difference),
        UNKNOWN if difference is None or difference.p is None else _p(difference.p),
        UNKNOWN if row.time_ratio is None else f"{row.time_ratio:.2f}",
        UNKNOWN if row.memory_ratio is None else f"{row.memory_ratio:.2f}",
        str(len(row.top1)),
    ]


def _interval(difference: Difference) -> str:
    if difference.low is None:
        return f"{difference.mean:+.2f}"
    return f"{difference.mean:+.2f} [{difference.low:+.2f}, {difference.high:+.2f}]"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _where(runs: Sequence[Run]) -> str:
    devices = sorted({run.device for run in runs})
    versions = sorted(
        {f"{name} {version}" for run in runs for name, version in run.versions.items()}
    )
    return f"On {', '.join(devices)}; {', '.join(versions)}."
