"""What values the activations of a float .tflite file take on given samples.

Percentiles need all values of a tensor, which may be billions. They are counted instead, in one
pass and in 512 KiB for each tensor: a float32 ordered by its upper 16 bits (sign, exponent and 7
bits of the mantissa) falls into one of 65536 bins, each of which is at most 1/128 of its values
wide. Unlike bins of equal width, these stay fine where the values lie, however far off an outlier
is. A range is taken to the outer edge of its bin, but never beyond the true extremes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.all_tensors import AllTensors, full_batches, without_padding
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray

_BINS = 1 << 16
_SIGN = np.uint32(1 << 31)
_LOW_BITS = np.uint32(0xFFFF)


@dataclass(frozen=True)
class ActivationRange:
    """The range of one activation tensor.

    Attributes:
        tensor: Its name in the file.
        low: The lower end, at most 0.
        high: The upper end, at least 0.
    """

    tensor: str
    low: float
    high: float


def activation_ranges(
    content: bytes, samples: FloatArray, *, percentile: float = 100.0
) -> list[ActivationRange]:
    """The ranges of all activations of a float file with one input, inputs and outputs included.

    Args:
        content: The .tflite file, of one subgraph.
        samples: What to run it on.
        percentile: The share of all values, in percent, that lies below the upper end, and above
            the lower end. 100 gives the true minimum and maximum.
    """
    with silenced():
        model = AllTensors(content)
        tensors = _activations(content, model)
        counts = {index: _Counts() for index in tensors}
        for batch, kept in full_batches(samples, model.batch_size):
            model.run(batch)
            for index, counted in counts.items():
                # Rows that only fill the batch up would count twice.
                counted.add(without_padding(model.stored(index), kept, model.batch_size))
    return [
        ActivationRange(name, *counts[index].ends(percentile)) for index, name in tensors.items()
    ]


class _Counts:
    """How often the values of a tensor fell into each bin."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._low, self._high = np.inf, -np.inf

    def add(self, values: FloatArray) -> None:
        flat = np.ascontiguousarray(values, np.float32).ravel()
        self._low = min(self._low, float(flat.min()))
        self._high = max(self._high, float(flat.max()))
        self._counts += np.bincount(_ordered(flat) >> 16, minlength=_BINS)

    def ends(self, percentile: float) -> tuple[float, float]:
        """The lower and the upper end, which a zero point needs on both sides of 0."""
        cumulative = np.cumsum(self._counts)
        total = cumulative[-1]
        beyond = int(total * (1 - percentile / 100))
        low_bin = int(np.searchsorted(cumulative, beyond, side="right"))
        high_bin = int(np.searchsorted(cumulative, total - beyond, side="left"))
        low = max(self._low, float(_values(np.uint32(low_bin << 16))))
        high = min(self._high, float(_values(np.uint32(high_bin << 16) | _LOW_BITS)))
        return min(low, 0.0), max(high, 0.0)


def _ordered(values: FloatArray) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The bits of floats as integers that have the same order."""
    bits = values.view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _values(ordered: Any) -> Any:
    """The floats of ordered integers."""
    return np.where(ordered & _SIGN, ordered ^ _SIGN, ~ordered).astype(np.uint32).view(np.float32)


def _activations(content: bytes, model: AllTensors) -> dict[int, str]:
    """The names of the float tensors that are computed, not stored, by their index."""
    file = schema.ModelT.InitFromPackedBuf(content, 0)
    stored = [file.buffers[tensor.buffer].data is not None for tensor in file.subgraphs[0].tensors]
    return {
        index: details["name"]
        for index, details in model.details.items()
        # The interpreter numbers tensors as the file does, and its own scratch tensors after them.
        if index < len(stored) and details["dtype"] == np.float32 and not stored[index]
    }
