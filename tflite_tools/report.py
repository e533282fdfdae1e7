"""What `convert` wrote, as a table and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from tflite_tools.records import CalibrationRecord, ConversionRecord, DeadChannelRecord
from tflite_tools.tables import as_text, file_table, formatted, to_json

# An int8 file that agrees less is worth a look at its ranges.
_LOW_AGREEMENT = 0.95


@dataclass(frozen=True)
class ConversionReport:
    """What `convert` wrote. `print` shows it as a table.

    Attributes:
        records: One `ConversionRecord` for each file.
        samples_from: Which samples the comparison with the Keras model ran on.
        calibration: What int8 was calibrated on; None if nothing was quantised.
        dead_channels: The model's dead channels, and whether the int8 files are without them; None
            if it has none, or if nothing was quantised.
    """

    records: tuple[ConversionRecord, ...]
    samples_from: str
    calibration: CalibrationRecord | None
    dead_channels: DeadChannelRecord | None = None

    def __str__(self) -> str:
        return as_text(self.table())

    def table(self) -> Table:
        """One row for each file: size, operators, distance from the Keras model."""
        caption = f"Compared with the Keras model on {self.samples_from}."
        if self.calibration is not None:
            caption += "".join(f"\n{escape(line)}" for line in calibration_lines(self.calibration))
        if self.dead_channels is not None:
            caption += f"\n{escape(dead_channel_line(self.dead_channels))}"
        if any(record.one_bit for record in self.records):
            caption += f"\n{escape(one_bit_line(self.records))}"
        if any(_is_off(record) for record in self.records):
            caption += "\ntflite-tools ranges FLOAT32.tflite INT8.tflite tells why int8 differs."
        if any(record.precision == "float16" for record in self.records):
            caption += (
                "\nIn float16 files DEQUANTIZE unpacks the weights, once, when a file is loaded."
            )
        folder = self.records[0].file.parent
        table = file_table(
            f"Files in {escape(str(folder))}", ("KiB", "same top-1", "max error"), caption=caption
        )
        table.add_column("ops", overflow="fold")
        for record in self.records:
            table.add_row(*_row(record))
        return table

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)


def _row(record: ConversionRecord) -> tuple[str, ...]:
    evaluation = record.evaluation
    return (
        escape(record.file.name),
        f"{record.size_bytes / 1024:.0f}",
        formatted(evaluation.agreement, ".1%"),
        formatted(evaluation.max_abs_error, ".1e"),
        ", ".join(f"{name}×{count}" for name, count in record.ops.items()),
    )


def _is_off(record: ConversionRecord) -> bool:
    agreement = record.evaluation.agreement
    return record.precision == "int8" and agreement is not None and agreement < _LOW_AGREEMENT


def one_bit_line(records: Sequence[ConversionRecord]) -> str:
    """What weights of one bit are worth, in a sentence or two."""
    found = [(record.file.name, record.one_bit) for record in records if record.one_bit]
    stored = ", ".join(
        f"{one_bit.stored_bytes / 1024:,.0f} KiB in {name}" for name, one_bit in found
    )
    _, first = found[0]
    return (
        f"{first.weights:,} weights in {first.operators} operators have 1 bit. Plain TFLite gains "
        f"neither speed nor size by that: they take {stored}. A kernel that reads bits would take "
        f"{first.packed_bytes / 1024:,.0f} KiB for them."
    )


def dead_channel_line(record: DeadChannelRecord) -> str:
    """The dead channels of a model in a sentence or two."""
    layers = ", ".join(f"{name}: {count}" for name, count in record.layers.items())
    if not record.dropped:
        return (
            f"Warning: int8 keeps {record.total} dead channels ({layers}), whose huge weights can "
            "ruin it."
        )
    cost = f"max error {formatted(record.max_abs_error, '.1e')}"
    if record.agreement is not None:
        cost = f"same top-1 {record.agreement:.1%}, {cost}"
    return (
        f"int8 is without {record.total} dead channels ({layers}). In float that alone makes: "
        f"{cost}."
    )


def calibration_lines(record: CalibrationRecord) -> Iterator[str]:
    """What int8 was calibrated on, in sentences; it collapses if that is not as in training."""
    yield (
        f"int8 calibrated on {record.samples} samples with values from {record.min:.3g} to "
        f"{record.max:.3g}: {record.source}."
    )
    if record.mean is not None and record.std is not None:
        yield f"By channel: mean {_listed(record.mean)}; deviation {_listed(record.std)}."
    if record.trained_range is not None:
        low, high = record.trained_range
        yield f"In training the values ran from {low:.3g} to {high:.3g}, as the model card says."
    if record.percentile is not None:
        yield f"The ranges of the activations are cut to the percentile {record.percentile:g}."
    for warning in record.warnings:
        yield f"Warning: {warning}"


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
