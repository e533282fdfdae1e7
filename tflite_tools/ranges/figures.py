"""The one formula for every ratio of signal to noise in a range report."""

from typing import Any

import numpy as np

# Beyond what float32 can tell apart; JSON has no infinity.
LIMIT_DB = 200.0

Float64Array = np.ndarray[Any, np.dtype[np.float64]]


def decibels(exact: Float64Array, rounded: Float64Array) -> float:
    """The signal-to-noise ratio of an array."""
    return ratio_db(float(np.square(exact).sum()), float(np.square(exact - rounded).sum()))


def ratio_db(signal: float, noise: float) -> float:
    """`10 log10(signal / noise)` within +-200; 200 without any noise."""
    if noise <= 0:
        return LIMIT_DB
    if signal <= 0:
        return -LIMIT_DB
    return float(np.clip(10 * np.log10(signal / noise), -LIMIT_DB, LIMIT_DB))


def mean_channel_db(signal: Float64Array, noise: Float64Array) -> float:
    """The ratio for the mean over channels of the lost share `noise / (signal + noise)`."""
    total = signal + noise
    lost = np.divide(noise, total, out=np.zeros_like(noise), where=total > 0)
    return ratio_db(1.0, float(lost.mean()))
