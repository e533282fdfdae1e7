"""Axes: round numbers that cover the values."""

import math
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
# Of the values: what is closer together is one value.
_NARROWEST = 1e-6
# What is smaller is nothing.
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        ticks: The round numbers on it.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value stands, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def scale(low: float, high: float, ticks: int = 5) -> Scale:
    """An axis from a round number at or below `low` to one at or above `high`."""
    low, high = (0.0 if abs(value) < _SMALLEST else value for value in (low, high))
    span = max(high - low, abs(high) * _NARROWEST) or 1.0
    step = _round_step(span / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        last += 1
    values = tuple(index * step for index in range(first, last + 1))
    return Scale(values[0], values[-1], values)


def _round_step(smallest: float) -> float:
    power = 10.0 ** math.floor(math.log10(smallest))
    return next(step * power for step in _STEPS if step * power >= smallest * (1 - 1e-9))
