"""The ranges of an operator's weights, and what int8 makes of them."""

import numpy as np

from tflite_tools.file_graph import Weights
from tflite_tools.flatbuffer import Requantization
from tflite_tools.ranges.figures import decibels
from tflite_tools.ranges.records import WeightRange


def weight_range(
    exact: Weights, rounded: Weights, requantization: Requantization | None
) -> WeightRange:
    """Describes the weights of one operator in both files."""
    by_channel = exact.real.reshape(len(exact.real), -1)
    low, high = by_channel.min(1), by_channel.max(1)
    widths = np.maximum(-low, high)
    widest = int(widths.argmax())
    narrowest = int(np.where(widths > 0, widths, np.inf).argmin())
    present = exact.real != 0
    lost = present & (rounded.real == 0)
    return WeightRange(
        low=float(low.min()),
        high=float(high.max()),
        channel_low=tuple(map(float, low)),
        channel_high=tuple(map(float, high)),
        widest_channel=widest,
        narrowest_channel=narrowest,
        widest_to_narrowest=float(widths[widest] / widths[narrowest]) if present.any() else None,
        rounded_to_zero=float(lost.sum() / present.sum()) if present.any() else 0.0,
        snr_db=decibels(exact.real, rounded.real),
        requantization=None if requantization is None else requantization.ratio,
        requantization_channel=None if requantization is None else requantization.channel,
    )
