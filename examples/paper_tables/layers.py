"""Table 1: the layers of Finet, read off the built models."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import keras_finet
from paper_tables.comparison import PaperTable, Row, text

COLUMNS = ("output size", "kernel", "stride", "repeat", "Small", "Large")
# As printed: the output channels of a stage stand in its first row.
PRINTED = (
    ("Image", "224x224", "", "", "", "3", "3"),
    ("Conv1", "112x112", "3x3", "2", "1", "24", "24"),
    ("MaxPool", "56x56", "3x3", "2", "", "", ""),
    ("Stage2, first", "28x28", "", "2", "1", "30", "100"),
    ("Stage2, rest", "28x28", "", "1", "3", "", ""),
    ("Stage3, first", "14x14", "", "2", "1", "60", "200"),
    ("Stage3, rest", "14x14", "", "1", "7", "", ""),
    ("Stage4, first", "7x7", "", "2", "1", "120", "400"),
    ("Stage4, rest", "7x7", "", "1", "3", "", ""),
    ("Conv5", "7x7", "1x1", "1", "1", "1024", "1024"),
    ("GlobalPool", "1x1", "7x7", "", "1", "1024", "1024"),
    ("FC1", "1x1", "", "", "1", "1024", "1024"),
    ("FC2", "1x1", "", "", "1", "1000", "1000"),
)
NOTES = (
    "What stands here is that of both networks, or of each where they differ. The kernel of a "
    "stage is that of its depthwise convolutions. FC1 here is a 1x1 convolution, which needs no "
    "reshape on a phone.",
)
TITLE = "Table 1: the layers of Finet"


def table(smoke: bool) -> PaperTable:
    """Builds both networks and reads their layers; there is nothing to leave out for `smoke`."""
    small, large = (
        list(layers(builder())) for builder in (keras_finet.FinetSmall, keras_finet.FinetLarge)
    )
    rows = []
    for (label, *printed), (shape, channels), (other, more) in zip(
        PRINTED, small, large, strict=True
    ):
        same = tuple(
            one if one == two else f"{one} / {two}" for one, two in zip(shape, other, strict=True)
        )
        figures = map(text, printed, (*same, channels, more))
        rows.append(Row((label,), dict(zip(COLUMNS, figures, strict=True))))
    return PaperTable(
        "Table 1: the layers of Finet", ("layer",), rows, NOTES, has_differences=False
    )


def layers(model: Any) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    """Yields output size, kernel, stride and repeat, and the channels, of Table 1's rows."""
    layer = model.get_layer
    yield described(model.input, "", "", "")
    yield described(layer("conv1").output, size(layer("conv1").kernel_size), stride(layer("conv1")))
    pool = layer("pool1")
    yield described(pool.output, size(pool.pool_size), stride(pool))
    for stage in ("stage2", "stage3", "stage4"):
        yield from blocks(model, stage)
    conv5, pool = layer("conv5"), layer("global_pool")
    yield described(conv5.output, size(conv5.kernel_size), stride(conv5))
    yield described(pool.output, size(pool.input.shape[1:3]), "")
    yield described(layer("fc1").output, size(layer("fc1").kernel_size), stride(layer("fc1")))
    yield described(layer("predictions").output, "", "")


def blocks(model: Any, stage: str) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    """Yields a row for each run of blocks with one stride."""
    depthwise = [
        layer
        for layer in model.layers
        if layer.name.startswith(f"{stage}_block") and layer.name.endswith("_depthwise")
    ]
    for step, run in itertools.groupby(depthwise, stride):
        same = list(run)
        end = model.get_layer(same[-1].name.replace("_depthwise", "_relu"))
        yield described(end.output, size(same[0].kernel_size), step, str(len(same)))


def described(
    tensor: Any, kernel: str, step: str, repeat: str = "1"
) -> tuple[tuple[str, str, str, str], str]:
    pixels = tensor.shape[1:-1] or (1, 1)
    return (size(pixels), kernel, step, repeat), str(tensor.shape[-1])


def size(pixels: tuple[int, int]) -> str:
    return "x".join(map(str, pixels))


def stride(layer: Any) -> str:
    """Returns the stride along both axes, or both of them."""
    rows, columns = layer.strides
    return str(rows) if rows == columns else size(layer.strides)
