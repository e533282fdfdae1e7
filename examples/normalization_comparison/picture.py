"""Learning curves: top-1 on the test images after each epoch, mean and range of the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
from whole_files import replacing

from normalization_comparison.report import Comparison
from normalization_comparison.variants import BASELINE, VARIANTS

COLORS = 10  # of Matplotlib's cycle


def write_picture(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Draws the curves of each comparison, and beside them the final differences to BN."""
    figure = matplotlib.figure.Figure(figsize=(15, 4.6 * len(comparisons)), layout="constrained")
    grid = figure.subplots(len(comparisons), 2, squeeze=False, width_ratios=[1.2, 1])
    for (curves, differences), comparison in zip(grid, comparisons, strict=True):
        _draw_curves(curves, comparison)
        _draw_differences(differences, comparison)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=120, format="png")


def _draw_curves(axes: Any, comparison: Comparison) -> None:
    for index, row in enumerate(comparison.rows):
        seeds = [run.top1 for run in comparison.runs if run.variant == row.variant]
        percent = 100 * np.array(seeds)
        epochs = np.arange(1, percent.shape[1] + 1)
        color = "black" if row.variant == BASELINE else f"C{index % COLORS}"
        line = "--" if index > COLORS else "-"
        axes.plot(epochs, percent.mean(0), line, color=color, label=row.title, marker=".")
        axes.fill_between(epochs, percent.min(0), percent.max(0), color=color, alpha=0.12)
    axes.set(title=str(comparison.setting), xlabel="epoch", ylabel="top-1 on test images (%)")
    axes.title.set_fontsize("small")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    # Beside the axes: among many curves it would cover some.
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5))


def _draw_differences(axes: Any, comparison: Comparison) -> None:
    known = {row.title: row.difference for row in comparison.rows if row.difference is not None}
    for index, difference in enumerate(known.values()):
        if difference.low is not None:
            axes.plot([difference.low, difference.high], [index, index], color="tab:blue")
        axes.plot(difference.mean, index, "o", color="tab:blue")
        axes.annotate(
            f"{difference.mean:+.2f}",
            (difference.mean, index),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize="small",
        )
    axes.set_yticks(range(len(known)), list(known))
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(title=f"Difference to {VARIANTS[BASELINE].title}, 95 % interval (points)")
    axes.title.set_fontsize("small")
    axes.grid(alpha=0.3, axis="x")
