"""From two files and samples to a range report."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.datasets import check_source
from tflite_tools.errors import ToolError
from tflite_tools.file_graph import FileGraph, read_file_graph
from tflite_tools.flatbuffer import requantizations
from tflite_tools.interpreter import read_tflite
from tflite_tools.progress import Progress, counter
from tflite_tools.ranges.causes import cause
from tflite_tools.ranges.errors_by_channel import sum_errors
from tflite_tools.ranges.figures import mean_channel_db, ratio_db
from tflite_tools.ranges.pairing import Pair, paired
from tflite_tools.ranges.records import ChannelError, TensorError
from tflite_tools.ranges.report import RangeReport
from tflite_tools.ranges.samples import load_common_samples
from tflite_tools.ranges.weight_range import weight_range
from tflite_tools.worker import run_in_worker

# What eight bits give to data that fill their range.
_SOUND_INPUT_DB = 40.0
_WORST_CHANNELS = 3


def range_report(
    float32: str | os.PathLike[str],
    int8: str | os.PathLike[str],
    inputs: Any,
    *,
    limit: int | None = 64,
    split: str | None = None,
    preprocessing: str | None = None,
    skip_unreadable: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> RangeReport:
    """Tells why, and in which layers, an int8 file is less accurate than its float32 file.

    Both files run on the same samples, and every tensor that they share is compared: its
    signal-to-noise ratio, by how much that drops in each layer, which channels have the error, the
    ranges of values and weights, and what int8 makes of the weights.

    Args:
        float32: The float32 .tflite file.
        int8: The int8 .tflite file of the same model, whatever the types of its input and
            output.
        inputs: Samples as the model sees them in training, from the same kinds of source as
            `calibration` of `convert`: an array, an iterable, the path of an `.npy` file, an
            `.npz` file or a folder of images, or the name of a prepared TFDS data set. Pixels
            from 0 to 255 if the preprocessing is part of the files.
        limit: At most so many of them, evenly spread; None for all.
        split: The split of a data set that has several.
        preprocessing: What the images that the model was trained on had undergone: "torch" (as
            `keras_finet.preprocess_input`), "tf" (-1 to 1), "unit" (0 to 1) or "none" (0 to 255).
            By default what the files say, and "torch" where they say nothing. Files that the
            preprocessing is part of are fed pixels; for them give nothing, "none" or what they
            say.
        skip_unreadable: Leaves out images of a folder that cannot be read, and counts them in
            the report. By default they are an error.
        data_dir: Where TFDS data sets are; by default TFDS_DATA_DIR or ~/tensorflow_datasets.
        progress: Called with the int8 file, how many samples are done, and how many there are.

    Returns:
        A `RangeReport`; `print` shows it as a table, `plot` draws it.

    Raises:
        ToolError: A file or the samples cannot be used, or the files are not a float32 and an int8
            file of one model that are fed alike; the message says which and what to do.
    """
    check_source(inputs, what="inputs", limit=limit, preprocessing=preprocessing or "torch")
    files = Path(float32), Path(int8)
    contents = [read_tflite(file) for file in files]
    exact, rounded = (_graph(*each) for each in zip(files, contents, strict=True))
    try:
        pairs = paired(exact, rounded)
    except ToolError as error:
        raise ToolError(f"{files[0]}, {files[1]}: {error}") from error
    loaded = load_common_samples(
        inputs,
        exact.inputs[0].shape[1:],
        dict(zip(files, contents, strict=True)),
        preprocessing=preprocessing,
        split=split,
        limit=limit,
        skip_unreadable=skip_unreadable,
        data_dir=data_dir,
    )
    count = counter(progress, files[1], len(loaded.samples))
    sums = _sums(files, contents, pairs, loaded.samples, count)
    return RangeReport(
        *files,
        len(loaded.samples),
        tuple(_tensor_errors(pairs, sums, contents[1])),
        len(loaded.skipped),
    )


def _graph(file: Path, content: bytes) -> FileGraph:
    try:
        graph = read_file_graph(content)
        if graph.subgraphs != 1:
            raise ToolError(f"expected one graph, got {graph.subgraphs}: the model has loops.")
        if len(graph.inputs) != 1:
            raise ToolError(f"expected a model with one input, got {len(graph.inputs)}.")
    except ToolError as error:
        raise ToolError(f"{file}: {error} Convert the model again.") from error
    return graph


def _sums(
    files: tuple[Path, Path],
    contents: Sequence[bytes],
    pairs: Sequence[Pair],
    samples: Any,
    count: Callable[[int], None] | None,
) -> list[dict[str, Any]]:
    arguments = {
        "exact": contents[0],
        "rounded": contents[1],
        "pairs": [[pair.exact.index, pair.rounded.index] for pair in pairs],
        "samples": samples,
    }
    try:
        sums: list[dict[str, Any]] = run_in_worker(
            sum_errors,
            arguments,
            on_progress=lambda line: None if count is None else count(int(line)),
        )
    except ToolError as error:
        raise ToolError(f"{files[0]}, {files[1]}: {error}") from error
    for pair, total in zip(pairs, sums, strict=True):
        if not np.isfinite([total["signal"], total["noise"]]).all():
            raise ToolError(
                f"{files[0]}: NaN or infinity in the output of {pair.layer}. Look for it among its "
                "weights and in the samples; the training probably diverged."
            )
    return sums


def _tensor_errors(
    pairs: Sequence[Pair], sums: Sequence[dict[str, Any]], int8: bytes
) -> Iterable[TensorError]:
    factors = {item.tensor: item for item in requantizations(int8)}
    ratios: dict[int, float] = {}
    for pair, total in zip(pairs, sums, strict=True):
        ratio = mean_channel_db(total["signal"], total["noise"])
        before = min((ratios[i] for i in pair.inputs if i in ratios), default=_SOUND_INPUT_DB)
        ratios[pair.exact.index] = ratio
        drop = max(0.0, min(before, _SOUND_INPUT_DB) - ratio)
        weights = None
        if pair.weights is not None:
            weights = weight_range(*pair.weights, factors.get(pair.rounded.name))
        low, high = total["int8_range"] or (None, None)
        yield TensorError(
            layer=pair.layer,
            op=pair.op,
            tensor=pair.exact.name,
            snr_db=ratio_db(float(total["signal"].sum()), float(total["noise"].sum())),
            channel_snr_db=ratio,
            drop_db=drop,
            low=float(total["low"].min()),
            high=float(total["high"].max()),
            int8_low=low,
            int8_high=high,
            outside=total["outside"],
            worst_channels=_worst_channels(total),
            weights=weights,
            cause=cause(drop, total["outside"], total["low"], total["high"], weights),
        )


def _worst_channels(total: dict[str, Any]) -> tuple[ChannelError, ...]:
    signal, noise = total["signal"], total["noise"]
    worst = np.argsort(-noise, kind="stable")[:_WORST_CHANNELS]
    return tuple(
        ChannelError(
            channel=int(channel),
            error_share=float(noise[channel] / noise.sum()),
            snr_db=ratio_db(float(signal[channel]), float(noise[channel])),
            low=float(total["low"][channel]),
            high=float(total["high"][channel]),
        )
        for channel in worst
        if noise[channel] > 0
    )
