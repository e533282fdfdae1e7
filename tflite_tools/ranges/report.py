"""A range report as a table and as JSON."""

import os
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from tflite_tools.ranges.causes import NOTABLE_DROP_DB
from tflite_tools.ranges.records import TensorError
from tflite_tools.tables import as_text, formatted, to_json

_MARKED = 3


@dataclass(frozen=True)
class RangeReport:
    """Where an int8 file loses accuracy. `print` shows it as a table.

    Attributes:
        float32: The float32 file.
        int8: The int8 file of the same model.
        samples: How many samples both ran on.
        tensors: One `TensorError` for each tensor that both files compute, in the order of the
            graph.
        skipped: How many images could not be read and were left out.
    """

    float32: Path
    int8: Path
    samples: int
    tensors: tuple[TensorError, ...]
    skipped: int = 0

    @property
    def worst(self) -> tuple[TensorError, ...]:
        """The tensors in which the ratio drops notably (by 10 dB or more), the largest drop first.

        Of these, the one that comes first is where to begin: the loss in one layer is the input
        of the next.
        """
        notable = (
            tensor for tensor in self.tensors if tensor.drop_db >= NOTABLE_DROP_DB or tensor.cause
        )
        return tuple(sorted(notable, key=lambda tensor: -tensor.drop_db))

    def __str__(self) -> str:
        return as_text(self.table())

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws the ratios and the weight ranges in the order of the graph.

        Args:
            path: The picture to write; its suffix says in which format, such as ".png".

        Raises:
            ToolError: Matplotlib is missing, or the picture cannot be written.
        """
        from tflite_tools.ranges.plot import write_plot

        write_plot(self, Path(path))

    def table(self) -> Group:
        """The tensors in the order of the graph, and below them the worst and why they are."""
        tables = [_tensors(self)]
        if self.worst:
            tables.append(_worst(self))
        return Group(*tables)


def _tensors(report: RangeReport) -> Table:
    ranks = {id(tensor): rank for rank, tensor in enumerate(report.worst[:_MARKED], start=1)}
    table = Table(
        title=f"{escape(report.int8.name)} against {escape(report.float32.name)}",
        caption=_caption(report),
        caption_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("layer", overflow="fold", min_width=14)
    for heading in ("SNR dB", "mean ch.", "drop", "weights", "w/n", "factor"):
        table.add_column(heading, justify="right", no_wrap=True)
    for tensor in report.tensors:
        rank = ranks.get(id(tensor))
        mark = "" if rank is None else f"{rank}."
        table.add_row(mark, *_cells(tensor), style=None if rank is None else "bold red")
    return table


def _cells(tensor: TensorError) -> tuple[str, ...]:
    weights = tensor.weights
    return (
        escape(tensor.layer),
        f"{tensor.snr_db:.1f}",
        f"{tensor.channel_snr_db:.1f}",
        f"{tensor.drop_db:.1f}",
        "–" if weights is None else f"{weights.low:.2g}..{weights.high:.2g}",
        formatted(None if weights is None else weights.widest_to_narrowest, ".3g"),
        formatted(None if weights is None else weights.requantization, ".2g"),
    )


def _caption(report: RangeReport) -> str:
    left_out = f"{report.skipped} unreadable images left out.\n" if report.skipped else ""
    return (
        f"{left_out}On {report.samples} samples. SNR: of the layer's output; "
        "mean ch.: of its mean channel;\n"
        "drop: of that, from the worst input of the layer. w/n: the weights of the\n"
        "widest channel to the narrowest's; factor: the largest of requantisation."
    )


def _worst(report: RangeReport) -> Table:
    """Only where the ratio drops: what is lost in one layer is missing in all that follow."""
    table = Table(
        title="Where int8 loses most",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("layer", overflow="fold", min_width=14)
    for heading in ("drop", "values", "int8 range"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("worst channels", overflow="fold")
    table.add_column("why", overflow="fold", min_width=20)
    for rank, tensor in enumerate(report.worst[:_MARKED], start=1):
        table.add_row(f"{rank}.", *_worst_cells(tensor))
    return table


def _worst_cells(tensor: TensorError) -> tuple[str, ...]:
    channels = (f"{one.channel} ({one.error_share:.0%})" for one in tensor.worst_channels)
    is_float = tensor.int8_low is None or tensor.int8_high is None
    return (
        escape(tensor.layer),
        f"{tensor.drop_db:.1f}",
        f"{tensor.low:.2g}..{tensor.high:.2g}",
        "–" if is_float else f"{tensor.int8_low:.2g}..{tensor.int8_high:.2g}",
        ", ".join(channels),
        tensor.cause or "–",
    )
