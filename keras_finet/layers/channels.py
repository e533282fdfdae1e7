"""Where the channels of a tensor are, and the shape of what is one number for each of them."""

from typing import Any

Tensor = Any
Shape = tuple[int | None, ...]


def by_channel(shape: Shape, data_format: str) -> tuple[int, ...]:
    """Returns the shape that lets one number a channel broadcast to a tensor of `shape`.

    Of `(batch, height, width, channels)` that is `(channels,)`; with channels first it is
    `(channels, 1, 1)`.

    Raises:
        ValueError: if the number of channels is unknown.
    """
    last = data_format == "channels_last" or len(shape) < 3
    channels = shape[-1 if last else 1]
    if channels is None:
        raise ValueError(
            f"Expected a known number of channels. Received: input_shape={shape} with "
            f"data_format={data_format!r}"
        )
    return (channels,) if last else (channels, *(1 for _ in shape[2:]))
