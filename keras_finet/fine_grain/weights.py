"""How one normalisation is split over groups of input channels.

A convolution with bias b, y = sum_g y_g + b with y_g = conv(x_g, W_g), is normalised to

    gamma * (y - mean) / sqrt(var + eps) + beta                                             (1)

and is to become (arXiv 2005.06828, eq. 8)

    sum_g [ gamma_g * (y_g - mean_g) / sqrt(var_g + eps) + beta_g ].                        (2)

Each group of each filter gets its share of the kernel's energy, s_g = |W_g|^2 / |W|^2:

    var_g   = s_g * var
    mean_g  = s_g * (mean - b)
    gamma_g = gamma * sqrt((var_g + eps) / (var + eps))
    beta_g  = beta / G

**Inference.** gamma_g / sqrt(var_g + eps) = gamma / sqrt(var + eps) in every group, so (2) is (1)
for any shares that add up to one. A dead group (s_g = 0) divides by sqrt(eps), as it should.

**Training** normalises each y_g by its batch, which gives it unit variance. The variance of the
sum is then

    sum_g gamma_g^2 = gamma^2 * (var + G * eps) / (var + eps)

if the partial sums are uncorrelated: that of the original, where copying gamma into every group
would give G * gamma^2. The shares are what var_g is where input channels are uncorrelated and of
like variance, and given only the sum of the means they are the best guess of each; the moving
averages correct both as training goes on. A bias b cancels there, so it needs no place.

Without gamma (`scale=False`) there is nothing to hold the ratio, so var_g = var: (2) is (1) still,
but training starts with G * var / (var + eps) for a variance.
"""

import numpy as np

from keras_finet.layers.fold import Float64Array, Normalization


def split_normalization(
    whole: Normalization,
    kernel: Float64Array,
    bias: Float64Array,
    epsilon: float,
    sizes: tuple[int, ...],
    *,
    scale: bool,
) -> Normalization:
    """Splits the normalisation of a convolution over groups of its input channels.

    Args:
        whole: The constants of the normalisation, each of shape `(filters,)`.
        kernel: Array of shape `(kernel_height, kernel_width, channels, filters)`.
        bias: The convolution's bias, of shape `(filters,)`.
        epsilon: Added to a variance before its root is taken.
        sizes: Number of channels of each group.
        scale: Whether the groups have a gamma of their own. If not, the gammas given are ones.

    Returns:
        The constants of the groups, each of shape `(groups, filters)`.
    """
    shares = energy_shares(kernel, sizes)
    variance = shares * whole.variance if scale else np.ones_like(shares) * whole.variance
    return Normalization(
        gamma=whole.gamma * np.sqrt((variance + epsilon) / (whole.variance + epsilon)),
        beta=np.ones_like(shares) * whole.beta / len(sizes),
        mean=shares * (whole.mean - bias),
        variance=variance,
    )


def energy_shares(kernel: Float64Array, sizes: tuple[int, ...]) -> Float64Array:
    """Returns the part of each filter's squared norm that each group holds: `(groups, filters)`.

    They add up to one for every filter; those of a filter of zeros are equal.
    """
    channels = np.sum(kernel**2, axis=(0, 1))
    starts = np.cumsum((0, *sizes[:-1]))
    groups = np.add.reduceat(channels, starts, axis=0)
    total = np.sum(groups, axis=0)
    is_zero = total == 0.0
    return np.where(is_zero, 1.0 / len(sizes), groups / np.where(is_zero, 1.0, total))
