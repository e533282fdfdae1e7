"""The ratios of all comparisons as bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.figure
from whole_files import replacing

from training_cost.report import heading
from training_cost.results import Result, Spread

COLORS = ("tab:blue", "tab:cyan", "tab:orange")


def write_picture(path: Path, results: Sequence[Result]) -> None:
    """Draws, for each comparison, the ratios of CPU time, wall time and memory to the baseline."""
    rows = sum(len(result.rows) + 2 for result in results)
    figure = matplotlib.figure.Figure(figsize=(13, 1 + 0.3 * rows), layout="constrained")
    parts = figure.subfigures(len(results), 1, squeeze=False)[:, 0]
    for part, result in zip(parts, results, strict=True):
        part.suptitle(heading(result), fontsize="medium")
        names = [row.variant for row in result.rows]
        charts = {
            "CPU time / BN": [row.cpu_ratio for row in result.rows],
            "time / BN": [row.wall_ratio for row in result.rows],
            "peak memory / BN": [_exact(row.memory_ratio) for row in result.rows],
        }
        for axes, color, (title, ratios) in zip(
            part.subplots(1, len(charts), sharey=True), COLORS, charts.items(), strict=True
        ):
            _draw(axes, title, names, ratios, color)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=120, format="png")


def _exact(ratio: float | None) -> Spread | None:
    return None if ratio is None else Spread(ratio, ratio, ratio)


def _draw(
    axes: Any, title: str, names: list[str], ratios: Sequence[Spread | None], color: str
) -> None:
    axes.barh(names, [ratio.median if ratio else 0 for ratio in ratios], color=color, alpha=0.8)
    for name, ratio in zip(names, ratios, strict=True):
        end, text = (ratio.upper, f"{ratio.median:.2f}") if ratio else (0, "not known")
        axes.annotate(text, (end, name), xytext=(4, 0), textcoords="offset points", va="center")
        if ratio is not None:
            axes.plot([ratio.lower, ratio.upper], [name, name], color="black", linewidth=1)
    axes.axvline(1, color="gray", linewidth=0.8, linestyle="--")
    axes.set_title(title, fontsize="small")
    axes.margins(x=0.2)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
