"""What `inspect` found, as tables and as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tflite_tools.delegate_tables import delegate_table, operator_table
from tflite_tools.inspection import ModelReport, TensorReport
from tflite_tools.metadata import ModelMetadata
from tflite_tools.records import OneBitRecord
from tflite_tools.tables import as_text, to_json

_LABELS_SHOWN = 5
_DIGITS_SHOWN = 12


@dataclass(frozen=True)
class InspectionReport:
    """What .tflite files are. `print` shows a table for each.

    Attributes:
        models: One `ModelReport` for each file.
    """

    models: tuple[ModelReport, ...]

    def __str__(self) -> str:
        return as_text(self.table())

    def table(self) -> Group:
        """For each file what it says of itself, its operators, and what delegates take."""
        return Group(*(table for model in self.models for table in _tables(model)))

    def to_json(self) -> str:
        """The report as a JSON object."""
        return to_json(self)


def _tables(model: ModelReport) -> Iterator[RenderableType]:
    yield _table(model)
    if model.operators:
        yield operator_table(
            model.operators, not_counted=model.not_counted, counted_as=list(_counted_as(model))
        )
    if model.target is not None:
        yield delegate_table(model.target)


def _counted_as(model: ModelReport) -> Iterator[str]:
    """The shapes of inputs of any size; a batch of any size is counted as one sample."""
    for tensor, shape in zip(model.inputs, model.counted_shapes, strict=False):
        if None in tensor.shape[1:]:
            yield str(shape)


def _table(model: ModelReport) -> Table:
    table = Table(title=escape(str(model.file)), title_style="bold", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in _rows(model):
        table.add_row(key, escape(value))
    return table


def _rows(model: ModelReport) -> Iterator[tuple[str, str]]:
    yield "size", f"{model.size_bytes / 1024:,.0f} KiB"
    for kind, tensors in (("input", model.inputs), ("output", model.outputs)):
        for tensor in tensors:
            yield kind, _described(tensor)
    yield "operators", ", ".join(f"{name}×{count}" for name, count in model.ops.items()) or "none"
    if model.one_bit is not None:
        yield "1-bit weights", _one_bit(model.one_bit)
    if model.metadata is None:
        yield "metadata", "none"
    else:
        yield from _metadata_rows(model.metadata)
    if model.provenance is None:
        yield "provenance", "none"
    else:
        yield from _provenance_rows(model.provenance)
    if model.unchanged is not None:
        answer = (
            "the file has its hash" if model.unchanged else "CHANGED: the file has another hash"
        )
        yield "record beside it", answer


def _one_bit(record: OneBitRecord) -> str:
    stored, packed = (size / 1024 for size in (record.stored_bytes, record.packed_bytes))
    return (
        f"{record.weights:,} in {record.operators} operators: {stored:,.1f} KiB here, "
        f"{packed:,.1f} KiB for a kernel that reads bits"
    )


def _described(tensor: TensorReport) -> str:
    shape = ", ".join("any" if side is None else str(side) for side in tensor.shape)
    text = f"{tensor.name}: {tensor.dtype} ({shape})"
    if tensor.scale is None:
        return text
    return f"{text}, value = {tensor.scale:.6g} · (q − {tensor.zero_point})".replace("− -", "+ ")


def _metadata_rows(metadata: ModelMetadata) -> Iterator[tuple[str, str]]:
    for key in ("name", "description", "version", "author", "license"):
        if value := getattr(metadata, key):
            yield key, value
    if metadata.mean is None or metadata.std is None:
        yield "pixels", "nothing said of them"
    else:
        color = f"{metadata.color_space or 'image'}: "
        yield "pixels", f"{color}(p − {_list(metadata.mean)}) / {_list(metadata.std)}"
    yield "labels", _labels(metadata.labels)


def _labels(labels: tuple[str, ...] | None) -> str:
    if labels is None:
        return "none"
    more = ", …" if len(labels) > _LABELS_SHOWN else ""
    return f"{len(labels)}: {', '.join(labels[:_LABELS_SHOWN])}{more}"


def _list(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"


def _provenance_rows(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a record that anybody may have written holds of the keys that ours has."""
    source = record.get("source")
    if isinstance(source, dict):
        digits = str(source.get("sha256"))[:_DIGITS_SHOWN]
        yield "source", f"{source.get('name')}, SHA-256 {digits}…"
    yield "created", str(record.get("created"))
    for key in ("recipe", "versions", "calibration", "verification"):
        if isinstance(record.get(key), dict):
            yield key, ", ".join(f"{name} {value}" for name, value in record[key].items())
