"""How the channels of an input are split into groups."""

import numpy as np
from numpy.typing import NDArray


def group_sizes(channels: int, groups: int) -> tuple[int, ...]:
    """Splits `channels` in order into `groups` sizes as equal as possible, larger ones first.

    Args:
        channels: Number of input channels.
        groups: Number of groups, at most `channels`.

    Returns:
        Tuple of `groups` sizes that add up to `channels`: `group_sizes(30, 4) == (8, 8, 7, 7)`.

    Raises:
        ValueError: if a group would be empty.
    """
    if groups > channels:
        raise ValueError(
            f"Expected at most as many groups as input channels. Received: groups={groups} for an "
            f"input with {channels} channels. Use `groups={channels}` or fewer."
        )
    small, larger_ones = divmod(channels, groups)
    return (small + 1,) * larger_ones + (small,) * (groups - larger_ones)


def group_of_channel(sizes: tuple[int, ...]) -> NDArray[np.int32]:
    """Returns the index of the group that holds each channel, shape `(channels,)`."""
    return np.repeat(np.arange(len(sizes), dtype="int32"), sizes)


def split_points(sizes: tuple[int, ...]) -> list[int]:
    """Returns the channel indices at which the second and every later group starts."""
    return [int(point) for point in np.cumsum(sizes)[:-1]]
