"""What a range report holds: plain data, one record for each tensor that both files compute."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WeightRange:
    """The weights of an operator as the float file has them, and what int8 makes of them.

    Attributes:
        low: The smallest weight.
        high: The largest.
        channel_low: The smallest weight of each output channel.
        channel_high: The largest of each.
        widest_channel: The output channel with the largest absolute weight.
        narrowest_channel: The one whose largest absolute weight is smallest, but not 0.
        widest_to_narrowest: The ratio of the two; None if all weights are 0.
        rounded_to_zero: The share of the weights other than 0 that int8 makes 0.
        snr_db: Signal-to-noise ratio of the int8 weights, as that of activations.
        requantization: The largest factor from the accumulator to the output; int8 kernels take
            less than 256. None if the operator does not compute in int8.
        requantization_channel: The channel that needs it.
    """

    low: float
    high: float
    channel_low: tuple[float, ...]
    channel_high: tuple[float, ...]
    widest_channel: int
    narrowest_channel: int
    widest_to_narrowest: float | None
    rounded_to_zero: float
    snr_db: float
    requantization: float | None
    requantization_channel: int | None


@dataclass(frozen=True)
class ChannelError:
    """One channel of an operator's output.

    Attributes:
        channel: Its index.
        error_share: Its share of the squared error of the whole tensor.
        snr_db: Its own signal-to-noise ratio.
        low: Its smallest value in the float file.
        high: Its largest.
    """

    channel: int
    error_share: float
    snr_db: float
    low: float
    high: float


@dataclass(frozen=True)
class TensorError:
    """A tensor that both files compute, and how far the int8 file is off in it.

    Signal-to-noise ratios are `10 log10(sum x^2 / sum (x - y)^2)` of real values, x in the float32
    file and y in the int8 file, over all samples; they are limited to +-200 dB.

    Attributes:
        layer: The layer that it belongs to, as the file names it.
        op: The operator that computes it; "INPUT" for the model's input.
        tensor: Its name in the float file.
        snr_db: Its signal-to-noise ratio.
        channel_snr_db: The same for the mean channel: `-10 log10` of the mean over the channels of
            the lost share `noise / (signal + noise)`. Unlike `snr_db` it sees a channel of large
            values that leaves too few steps to all the others.
        drop_db: By how much `channel_snr_db` is below that of the worst of the operator's inputs;
            of the model's input, by how much it is below 40 dB, which eight bits give to data that
            fill their range. Never negative.
        low: The smallest value in the float file.
        high: The largest.
        int8_low: The smallest value that the int8 tensor can hold; None if it is float.
        int8_high: The largest.
        outside: The share of the float file's values that lie outside these.
        worst_channels: Up to three channels, those with most of the error first.
        weights: The operator's weights; None if it has none.
        cause: What probably is the reason for a drop; None if nothing is known.
    """

    layer: str
    op: str
    tensor: str
    snr_db: float
    channel_snr_db: float
    drop_db: float
    low: float
    high: float
    int8_low: float | None
    int8_high: float | None
    outside: float
    worst_channels: tuple[ChannelError, ...]
    weights: WeightRange | None
    cause: str | None
