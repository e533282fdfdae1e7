"""Which weights of a .tflite file have one bit, found in the file itself."""

import math

import numpy as np

from tflite_tools.file_graph import Weights, read_file_graph
from tflite_tools.records import OneBitRecord

# Few weights may have one magnitude by chance, or because they are a filter's only one.
_FEWEST_IN_A_FILTER = 4
_SCALE_BYTES = 4


def one_bit_record(content: bytes) -> OneBitRecord | None:
    """Counts the weights of one bit in the main graph, and what they take; None without any."""
    operators = read_file_graph(content).operators
    found = [
        each.weights.stored
        for each in operators
        if each.weights and each.weights.stored.size and has_one_bit(each.weights)
    ]
    if not found:
        return None
    weights = sum(stored.size for stored in found)
    filters = sum(len(stored) for stored in found)
    return OneBitRecord(
        operators=len(found),
        weights=weights,
        stored_bytes=sum(stored.nbytes for stored in found),
        packed_bytes=math.ceil(weights / 8) + _SCALE_BYTES * filters,
    )


def has_one_bit(weights: Weights) -> bool:
    """Tells whether every filter has a number and its negative, and nothing else."""
    filters = weights.stored.reshape(len(weights.stored), -1)
    # int8 has no 128.
    magnitudes = np.abs(filters.astype(np.float32))
    is_uniform = bool((magnitudes == magnitudes[:, :1]).all())
    has_both = bool(((filters < 0).any(axis=1) & (filters > 0).any(axis=1)).any())
    return filters.shape[1] >= _FEWEST_IN_A_FILTER and is_uniform and has_both
