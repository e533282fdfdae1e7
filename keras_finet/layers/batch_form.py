"""What every training-time form of fine-grained batch normalisation takes and gives.

For inputs x split by channels into groups g, every form computes (arXiv 2005.06828, eq. 4)

    y = sum_g [ gamma_g * (conv(x_g, W_g) - mean_g) / sqrt(var_g + epsilon) + beta_g ]

with `mean_g` and `var_g` those of `conv(x_g, W_g)` over batch, height and width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops

from keras_finet.layers.grouping import split_points

Tensor = Any


class Parameters(NamedTuple):
    """Kernel `(kh, kw, channels, filters)`, gamma and beta `(groups, filters)`, as tensors."""

    kernel: Tensor
    gamma: Tensor
    beta: Tensor


class Normalized(NamedTuple):
    """Outputs `(N, H', W', filters)`, batch mean and biased variance `(groups, filters)`."""

    outputs: Tensor
    mean: Tensor
    variance: Tensor


@dataclass(frozen=True)
class Settings:
    """What the forms know of their layer. Inputs are channels-last.

    Attributes:
        sizes: Number of channels of each group.
        epsilon: Added to a variance before its root is taken.
        dtype: Dtype of moments and sums: float32, or float64 in a float64 layer.
        strides: Strides of the convolution.
        convolve: Function of an input and a kernel: the layer's convolution.
        replica_mean: Function that averages a vector over the replicas of a synchronised layer,
            and returns it as it is in any other.
    """

    sizes: tuple[int, ...]
    epsilon: float
    dtype: str
    strides: tuple[int, int]
    convolve: Callable[[Tensor, Tensor], Tensor]
    replica_mean: Callable[[Tensor], Tensor]

    def split(self, tensor: Tensor, axis: int) -> list[Tensor]:
        """Splits an axis of channels into the groups."""
        if len(self.sizes) == 1:
            return [tensor]
        return list(ops.split(tensor, split_points(self.sizes), axis=axis))


Form = Callable[[Tensor, Parameters, Settings], Normalized]
