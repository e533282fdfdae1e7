"""Runs both files on the samples and adds up the errors of every tensor, channel by channel."""

from typing import Any

import numpy as np

from tflite_tools.all_tensors import AllTensors, full_batches, without_padding
from tflite_tools.errors import ToolError
from tflite_tools.samples import FloatArray
from tflite_tools.worker import progress


def sum_errors(
    exact: bytes, rounded: bytes, pairs: list[list[int]], samples: FloatArray
) -> list[dict[str, Any]]:
    """Compares tensors of two files. A worker runs it: a damaged file may end its process.

    Args:
        exact: The float32 file.
        rounded: The int8 file, with the same batch size.
        pairs: For each tensor its index in the one file and in the other.
        samples: What to run them on.

    Returns:
        For each tensor `signal` and `noise`, the sums of squares by channel; `low` and `high`, the
        extremes by channel in the float32 file; `int8_range`, None for a tensor that is float in
        both; and `outside`, the share of values that int8 cannot hold.
    """
    models = AllTensors(exact), AllTensors(rounded)
    if models[0].batch_size != models[1].batch_size:
        sizes = " and ".join(str(model.batch_size) for model in models)
        raise ToolError(f"expected files of one batch size, got {sizes}. Convert both with one.")
    sums = [_Sums(_int8_range(models[1].details[index])) for _, index in pairs]
    for batch, kept in full_batches(samples, models[0].batch_size):
        for model in models:
            model.run(batch)
        for (first, second), total in zip(pairs, sums, strict=True):
            values = [
                without_padding(model.values(index), kept, len(batch))
                for model, index in zip(models, (first, second), strict=True)
            ]
            total.add(*values)
        progress(str(kept))
    return [total.result() for total in sums]


def _int8_range(details: dict[str, Any]) -> tuple[float, float] | None:
    scale, zero_point = details["quantization"]
    if not scale:
        return None
    limits = np.iinfo(details["dtype"])
    return float(scale) * (limits.min - zero_point), float(scale) * (limits.max - zero_point)


class _Sums:
    """What is added up of one tensor."""

    def __init__(self, int8_range: tuple[float, float] | None) -> None:
        self._int8_range = int8_range
        self._outside = self._count = 0
        self._signal: Any = 0.0
        self._noise: Any = 0.0
        self._low: Any = np.inf
        self._high: Any = -np.inf

    def add(self, exact: FloatArray, rounded: FloatArray) -> None:
        channels = exact.shape[-1] if exact.ndim > 1 else 1
        x = exact.reshape(-1, channels).astype(np.float64)
        error = x - rounded.reshape(-1, channels)
        self._signal = self._signal + np.square(x).sum(0)
        self._noise = self._noise + np.square(error).sum(0)
        self._low = np.minimum(self._low, x.min(0))
        self._high = np.maximum(self._high, x.max(0))
        self._outside += self._count_outside(x)
        self._count += x.size

    def _count_outside(self, x: Any) -> int:
        if self._int8_range is None:
            return 0
        low, high = self._int8_range
        half_step = (high - low) / 510  # beyond the ends it still rounds to them
        return int(np.count_nonzero((x < low - half_step) | (x > high + half_step)))

    def result(self) -> dict[str, Any]:
        return {
            "signal": self._signal,
            "noise": self._noise,
            "low": self._low,
            "high": self._high,
            "int8_range": self._int8_range,
            "outside": self._outside / self._count,
        }
