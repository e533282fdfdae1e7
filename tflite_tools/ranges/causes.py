"""What probably is the reason for the error of a tensor, in words."""

import numpy as np

from tflite_tools.flatbuffer import LARGEST_REQUANTIZATION
from tflite_tools.ranges.figures import Float64Array
from tflite_tools.ranges.records import WeightRange

# Below this a drop is what any rounding costs.
NOTABLE_DROP_DB = 10.0
_MANY_OUTSIDE = 0.01
_MANY_LOST = 0.2
# With 255 steps for the widest channel, so few are left to one that is so much narrower.
_MUCH_WIDER = 32.0


def cause(
    drop_db: float,
    outside: float,
    low: Float64Array,
    high: Float64Array,
    weights: WeightRange | None,
) -> str | None:
    """Names what is wrong with a tensor, by how sure it is to do harm.

    Args:
        drop_db: By how much its signal-to-noise ratio falls here.
        outside: The share of its values that int8 cannot hold.
        low: The smallest value of each channel.
        high: The largest of each.
        weights: The weights that it is made with.
    """
    if weights is not None and (weights.requantization or 0) >= LARGEST_REQUANTIZATION:
        return (
            f"channel {weights.requantization_channel} needs the requantisation factor "
            f"{weights.requantization:.0f}; kernels take less than {LARGEST_REQUANTIZATION:.0f}"
        )
    if drop_db < NOTABLE_DROP_DB:
        return None
    if weights is not None and weights.rounded_to_zero > _MANY_LOST:
        return (
            f"{weights.rounded_to_zero:.0%} of the weights round to 0 beside much larger ones in "
            "their channel"
        )
    if outside > _MANY_OUTSIDE:
        return f"{outside:.0%} of the values lie outside the calibrated range"
    widths = np.maximum(np.abs(low), np.abs(high))
    typical = float(np.median(widths))
    if typical > 0 and widths.max() > _MUCH_WIDER * typical:
        return (
            f"channel {int(widths.argmax())} is {widths.max() / typical:.0f} times as wide as "
            "others, which leaves them few steps"
        )
    return None
