"""Training-time forms of fine-grained batch normalisation (arXiv 2005.06828, eq. 4).

For inputs x split by channels into groups g, every form computes

    y = sum_g [ gamma_g * (conv(x_g, W_g) - mean_g) / sqrt(var_g + epsilon) + beta_g ]

with `mean_g` and `var_g` those of `conv(x_g, W_g)` over batch, height and width.

`normalize_by_moments` is for 1x1 kernels. A 1x1 convolution is linear in each pixel, so with m_g
the mean and S_g the covariance of group g's input channels

    mean_g = W_g^T m_g          var_g = diag(W_g^T S_g W_g)

and y is ONE convolution of the centred input with W_g * gamma_g / sqrt(var_g + epsilon): the
partial sums, G times the activations, are never made. The covariance is taken of the centred
input: E[x x^T] - m m^T loses every digit when the mean is large.

`normalize_by_partial_sums` is for every kernel: it makes one group's partial sum after another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops, remat

from keras_finet.layers.grouping import group_of_channel, split_points

Tensor = Any
PIXEL_AXES = (0, 1, 2)


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


Normalizer = Callable[[Tensor, Parameters, Settings], Normalized]


def normalize_by_moments(inputs: Tensor, parameters: Parameters, settings: Settings) -> Normalized:
    """Normalises a 1x1 convolution with the statistics that follow from its input's moments."""
    height_stride, width_stride = settings.strides
    # A strided 1x1 convolution reads only the pixels it keeps, so only they count.
    inputs = inputs[:, ::height_stride, ::width_stride, :]
    channels, filters = parameters.kernel.shape[-2:]
    kernel = ops.reshape(parameters.kernel, (channels, filters))
    pixels = ops.cast(ops.reshape(inputs, (-1, channels)), settings.dtype)

    input_mean = settings.replica_mean(ops.mean(pixels, axis=0))
    centred = pixels - input_mean
    variance = settings.replica_mean(_projected_variances(centred, kernel, settings))
    scale = parameters.gamma * ops.rsqrt(variance + settings.epsilon)
    folded = kernel * ops.take(scale, group_of_channel(settings.sizes), axis=0)

    outputs = ops.matmul(ops.cast(centred, inputs.dtype), ops.cast(folded, inputs.dtype))
    outputs = outputs + ops.cast(ops.sum(parameters.beta, axis=0), inputs.dtype)
    outputs = ops.reshape(outputs, (*ops.shape(inputs)[:-1], filters))
    return Normalized(outputs, _projected_means(input_mean, kernel, settings), variance)


def _projected_variances(centred: Tensor, kernel: Tensor, settings: Settings) -> Tensor:
    count = ops.cast(ops.shape(centred)[0], settings.dtype)
    sizes = settings.sizes
    variances = []
    for pixels, weights in zip(_split(centred, sizes, 1), _split(kernel, sizes, 0), strict=True):
        # The gradient that reaches the covariance is symmetric, so both halves of d(p^T p) are
        # equal: doubling one of them saves a matrix product in the backward pass. This holds for
        # first derivatives only.
        half = ops.matmul(ops.transpose(ops.stop_gradient(pixels)), pixels)
        covariance = (2.0 * half - ops.stop_gradient(half)) / count
        variances.append(ops.sum(weights * ops.matmul(covariance, weights), axis=0))
    # Rounding leaves tiny negative variances where filters cancel a large common mode.
    return ops.maximum(ops.stack(variances), 0.0)


def _projected_means(input_mean: Tensor, kernel: Tensor, settings: Settings) -> Tensor:
    terms = kernel * ops.expand_dims(input_mean, -1)
    groups = _split(terms, settings.sizes, 0)
    return ops.stack([ops.sum(group, axis=0) for group in groups])


def _split(tensor: Tensor, sizes: tuple[int, ...], axis: int) -> list[Tensor]:
    # Splitting at no point is an error on tensorflow.
    return list(ops.split(tensor, split_points(sizes), axis=axis)) if len(sizes) > 1 else [tensor]


def normalize_by_partial_sums(
    inputs: Tensor, parameters: Parameters, settings: Settings
) -> Normalized:
    """Normalises a convolution with any kernel; autodiff keeps every group's partial sum."""
    return _accumulate_groups(inputs, parameters, settings, _group_normalizer(settings))


def normalize_by_recomputed_partial_sums(
    inputs: Tensor, parameters: Parameters, settings: Settings
) -> Normalized:
    """The same, but a partial sum is made again in the backward pass instead of being kept."""
    return _accumulate_groups(inputs, parameters, settings, remat(_group_normalizer(settings)))


def _accumulate_groups(
    inputs: Tensor,
    parameters: Parameters,
    settings: Settings,
    normalize_group: Callable[..., tuple[Tensor, Tensor, Tensor]],
) -> Normalized:
    groups = zip(
        _split(inputs, settings.sizes, -1),
        _split(parameters.kernel, settings.sizes, -2),
        ops.unstack(parameters.gamma, len(settings.sizes)),
        strict=True,
    )
    total: Tensor = ops.sum(parameters.beta, axis=0)
    means, variances = [], []
    for group in groups:
        outputs, mean, variance = normalize_group(*group)
        total = total + outputs
        means.append(mean)
        variances.append(variance)
    return Normalized(ops.cast(total, inputs.dtype), ops.stack(means), ops.stack(variances))


def _group_normalizer(settings: Settings) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    # Everything to differentiate is an argument: recomputation does not see captured tensors.
    def normalize(inputs: Tensor, kernel: Tensor, gamma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        partial_sum = settings.convolve(inputs, ops.cast(kernel, inputs.dtype))
        partial_sum = ops.cast(partial_sum, settings.dtype)
        mean = settings.replica_mean(ops.mean(partial_sum, axis=PIXEL_AXES))
        centred = partial_sum - mean
        variance = settings.replica_mean(ops.mean(ops.square(centred), axis=PIXEL_AXES))
        return centred * (gamma * ops.rsqrt(variance + settings.epsilon)), mean, variance

    return normalize
