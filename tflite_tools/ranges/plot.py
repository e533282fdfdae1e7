"""A range report as a picture: where the ratio falls, and how far apart the weights are."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.output_folder import whole_file

if TYPE_CHECKING:
    from tflite_tools.ranges.report import RangeReport

_INCHES_A_LAYER = 0.22
_SMALLEST_WIDTH = 7.0
_LARGEST_WIDTH = 60.0
_NAMED = 3


def write_plot(report: "RangeReport", path: Path) -> None:
    """Writes the picture; its folder must exist."""
    check_plot(path)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        _figure(report).savefig(file, format=_kind(path), dpi=120)


def check_plot(path: Path) -> None:
    """Refuses what can be seen to be wrong before anything runs."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise ToolError(
            "a plot needs Matplotlib, which is not installed: pip install 'keras-finet[plot]'."
        ) from error
    if _kind(path) not in FigureCanvasBase.get_supported_filetypes():
        raise ToolError(f"{path}: expected a picture (.png, .svg or .pdf), got {path.name}.")
    if not path.parent.is_dir():
        raise ToolError(f"{path}: cannot write the plot, as {path.parent} is not a folder.")


def _kind(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()


def _figure(report: "RangeReport") -> Any:
    # Not pyplot, which would open a window and keep the figure.
    from matplotlib.figure import Figure

    count = len(report.tensors)
    width = float(np.clip(_INCHES_A_LAYER * count, _SMALLEST_WIDTH, _LARGEST_WIDTH))
    figure = Figure(figsize=(width, 7.5), layout="constrained")
    ratios, weights = figure.subplots(2, 1, sharex=True)
    _draw_ratios(ratios, report)
    _draw_weights(weights, report)
    weights.set_xticks(range(count), [tensor.layer for tensor in report.tensors], rotation=90)
    weights.tick_params(axis="x", labelsize=7)
    figure.suptitle(f"{report.int8.name} against {report.float32.name}")
    return figure


def _draw_ratios(axes: Any, report: "RangeReport") -> None:
    places = range(len(report.tensors))
    axes.plot(places, [tensor.snr_db for tensor in report.tensors], ".-", label="whole tensor")
    mean = [tensor.channel_snr_db for tensor in report.tensors]
    axes.plot(places, mean, ".-", label="mean channel")
    for rank, tensor in enumerate(report.worst[:_NAMED], start=1):
        place = report.tensors.index(tensor)
        axes.plot(place, mean[place], "o", markersize=10, fillstyle="none", color="tab:red")
        label = f"{rank}. {tensor.layer}"
        axes.annotate(label, (place, mean[place]), xytext=(4, 8), textcoords="offset points")
    axes.set_ylabel("signal-to-noise ratio, dB")
    axes.grid(alpha=0.3)
    axes.legend()


def _draw_weights(axes: Any, report: "RangeReport") -> None:
    """Each channel's largest absolute weight, above each other in a column for each layer."""
    for place, tensor in enumerate(report.tensors):
        if tensor.weights is None:
            continue
        low, high = np.array(tensor.weights.channel_low), np.array(tensor.weights.channel_high)
        widths = np.maximum(-low, high)
        widths = widths[widths > 0]
        axes.plot(np.full(len(widths), place), widths, "_", color="tab:blue", alpha=0.5)
    axes.set_yscale("log")
    axes.set_ylabel("largest weight of each channel")
    axes.grid(alpha=0.3)
