"""Measured models as a table, a picture and a JSON file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import matplotlib.figure
import rich
import rich.table
from measuring import Row

from tflite_tools.output_folder import whole_file

CAPTION = """\
same class: test images with the same top class as in the trained Keras model
ms: median for one image; ratio: to the model as trained, that is not fused,
in the same runtime (Keras, or LiteRT on one thread, whose converter folds a
model as trained by itself)"""


def print_table(rows: list[Row], images: int) -> None:
    """Prints the table that ends the run."""
    table = rich.table.Table(
        title=f"Results on {images} test images", caption=CAPTION, caption_justify="left"
    )
    table.add_column("model", no_wrap=True)
    for heading in ("top-1", "same class", "KiB", "graph", "ms", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.model,
            f"{row.top1:.2%}",
            f"{row.agreement:.2%}",
            f"{row.size_bytes / 1024:,.0f}",
            row.graph,
            f"{row.latency_ms:.2f}",
            f"{row.latency_ratio:.2f}",
        )
    rich.print(table)
    top1 = {row.model: row.top1 for row in rows}
    gained = 100 * (top1["TFLite int8"] - top1["TFLite float32"])
    print(f"int8 against float32: {gained:+.2f} percentage points of top-1.")


def write_json(path: Path, rows: list[Row], details: dict[str, Any]) -> None:
    """Writes the rows and what else describes the run."""
    record = {**details, "rows": [dataclasses.asdict(row) for row in rows]}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")


def write_picture(path: Path, rows: list[Row], history: dict[str, list[float]]) -> None:
    """Draws the training curve and, for each model, bars of accuracy and size."""
    figure = matplotlib.figure.Figure(figsize=(13, 4.2), layout="constrained")
    curve, accuracy, size = figure.subplots(1, 3, width_ratios=[1.0, 1.1, 0.9])

    epochs = range(1, len(history["accuracy"]) + 1)
    for key, label, color in (
        ("accuracy", "training images, shifted", "tab:gray"),
        ("val_accuracy", "test images", "tab:blue"),
    ):
        percent = [100 * value for value in history[key]]
        curve.plot(epochs, percent, marker="o", markersize=4, color=color, label=label)
    curve.set(title="Training", xlabel="epoch", ylabel="top-1 (%)", ylim=(0, 103))
    curve.xaxis.get_major_locator().set_params(integer=True)
    curve.grid(alpha=0.3)
    curve.legend(loc="lower right")

    names = [row.model for row in rows]
    bars = accuracy.barh(names, [100 * row.top1 for row in rows], color="tab:blue")
    accuracy.bar_label(bars, fmt="{:.2f}", padding=3)
    accuracy.set(title="Top-1 on the test images (%)", xlim=(0, 115))
    bars = size.barh(names, [row.size_bytes / 1024 for row in rows], color="tab:orange")
    size.bar_label(bars, fmt="{:,.0f}", padding=3)
    size.set(title="File size (KiB)", yticklabels=[])
    size.margins(x=0.18)
    for axes in (accuracy, size):
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=140, format="png")
