"""What quantisation-aware training returns."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tflite_tools.quantization_aware.settings import QatSettings
from tflite_tools.records import CalibrationRecord, DeadChannelRecord
from tflite_tools.report import calibration_lines, dead_channel_line
from tflite_tools.tables import as_text, formatted, to_json

_COLUMNS = ("top-1", "same top-1", "mean error", "max error")


@dataclass(frozen=True)
class QatEpoch:
    """The network that rounds as int8 does, after an epoch, on the samples held back.

    Attributes:
        epoch: Its number; 0 is the state before training, as post-training quantisation leaves it.
        train_loss: The mean loss of its steps; None before training.
        loss: The loss on the samples held back.
        top1: The share of them whose label it finds; None without labels.
        agreement: The share of them on which its first choice is the float network's; None
            without classes.
    """

    epoch: int
    train_loss: float | None
    loss: float
    top1: float | None
    agreement: float | None


@dataclass(frozen=True)
class QatFigures:
    """A network on the samples held back, run as it is deployed.

    Attributes:
        network: "float" (the Keras model), "ptq" or "qat" (int8 files).
        top1: The share of samples whose label it finds; None without labels.
        agreement: The share on which its first choice is the Keras model's; None without classes.
        mean_abs_error: The mean difference from the Keras model's outputs.
        max_abs_error: The largest difference from the Keras model's outputs.
    """

    network: str
    top1: float | None
    agreement: float | None
    mean_abs_error: float
    max_abs_error: float


@dataclass(frozen=True)
class QatReport:
    """What `qat` wrote. `print` shows it as tables.

    Attributes:
        file: The int8 file.
        chosen: Which network it holds: "qat", or "ptq" where training made no better one.
        best_epoch: The epoch that the weights of "qat" are from.
        history: All epochs.
        figures: The Keras model, the int8 file by post-training quantisation and the one with
            trained weights.
        size_bytes: The size of the file.
        ops: How often each operator occurs in it.
        trained_on: How many samples, and where they are from.
        held_back: On how many samples the epoch and the file were chosen, and where they are from.
        calibration: What the ranges of activations are from.
        settings: The training's numbers.
        dead_channels: The model's dead channels, and whether the file is without them; None for a
            model without.
    """

    file: Path
    chosen: str
    best_epoch: int
    history: tuple[QatEpoch, ...]
    figures: tuple[QatFigures, ...]
    size_bytes: int
    ops: dict[str, int]
    trained_on: str
    held_back: str
    calibration: CalibrationRecord
    settings: QatSettings
    dead_channels: DeadChannelRecord | None = None

    def __str__(self) -> str:
        return as_text(self.table())

    def table(self) -> RenderableType:
        """The epochs, the comparison, and which network the file holds."""
        return Group(_epochs(self), _comparison(self), _outcome(self))

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)


def epoch_line(epoch: QatEpoch) -> str:
    """An epoch in a line, for the progress of a training."""
    figures = [f"loss {epoch.loss:.4g}"]
    figures += [f"top-1 {epoch.top1:.2%}"] if epoch.top1 is not None else []
    figures += [f"same top-1 {epoch.agreement:.2%}"] if epoch.agreement is not None else []
    before = "  (before training)" if epoch.epoch == 0 else ""
    return f"epoch {epoch.epoch}: {', '.join(figures)}{before}"


def _epochs(report: QatReport) -> Table:
    table = Table(
        title="Quantisation-aware training, int8 simulated",
        caption=escape(f"Trained on {report.trained_on}."),
        title_style="bold",
    )
    for heading in ("epoch", "training loss", "loss", "top-1", "same top-1"):
        table.add_column(heading, justify="right")
    for epoch in report.history:
        best = " *" if epoch.epoch == report.best_epoch else ""
        table.add_row(
            f"{epoch.epoch}{best}",
            formatted(epoch.train_loss, ".4g"),
            formatted(epoch.loss, ".4g"),
            formatted(epoch.top1, ".2%"),
            formatted(epoch.agreement, ".2%"),
        )
    return table


def _comparison(report: QatReport) -> Table:
    names = {
        "float": "Keras model",
        "ptq": "int8, post-training",
        "qat": f"int8, trained (epoch {report.best_epoch})",
    }
    table = Table(
        title="As deployed",
        caption=escape(f"On {report.held_back}, held back."),
        title_style="bold",
    )
    table.add_column("network", style="bold")
    for heading in _COLUMNS:
        table.add_column(heading, justify="right")
    for figures in report.figures:
        table.add_row(
            names[figures.network],
            formatted(figures.top1, ".2%"),
            formatted(figures.agreement, ".2%"),
            formatted(figures.mean_abs_error, ".1e"),
            formatted(figures.max_abs_error, ".1e"),
        )
    return table


def _outcome(report: QatReport) -> str:
    held = {
        "qat": "the trained network",
        "ptq": "the network by post-training quantisation, which training did not improve",
    }
    size = f"{report.size_bytes / 1024:.0f} KiB"
    lines = [f"{report.file} ({size}) holds {held[report.chosen]}."]
    if report.dead_channels is not None:
        lines.append(dead_channel_line(report.dead_channels))
    lines.extend(calibration_lines(report.calibration))
    return escape("\n".join(lines))
