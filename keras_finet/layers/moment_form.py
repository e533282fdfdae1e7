"""Fine-grained batch normalisation of a 1x1 convolution from the moments of its input.

A 1x1 convolution is linear in each of its n pixels. With m_g the mean and S_g the covariance of the
input channels of group g, the statistics of the partial sums are

    mean_g = W_g^T m_g        var_g = diag(W_g^T S_g W_g)

and the layer is ONE convolution of the centred input f = x - m:

    y = sum_g f_g K_g + sum_g beta_g      with K_g = W_g * gamma_g * r_g,  r_g = rsqrt(var_g + eps).

The partial sums, G times the activations, are never made, and the input is all that the backward
pass needs. The covariance is that of the centred input: E[x x^T] - m m^T loses every digit when the
mean is large, and in half precision f keeps digits that x has not.

The gradient, for an upstream D, with P_g = f_g^T D and c_g = -gamma_g r_g^2 dgamma_g / n:

    dgamma_g = r_g * sum_channels(W_g * P_g)        dbeta_g = sum_n D
    dW_g = gamma_g r_g * P_g + n S_g W_g * c_g
    dx_g = D K_g^T + f_g (W_g * c_g) W_g^T - mean_n(D) K_g^T

It is written out because autodiff would keep f and its groups for the backward pass, and sum the
n x C gradient of f once more to find the last term. It holds for first derivatives only: to
differentiate it again, the statistics would have to be differentiated too.
"""

from typing import Any

from keras import ops

from keras_finet.layers.batch_form import Normalized, Parameters, Settings, Tensor
from keras_finet.layers.execution_order import after
from keras_finet.layers.first_derivative import differentiable_no_more, upstream_of
from keras_finet.layers.grouping import group_of_channel


def normalize_by_moments(inputs: Tensor, parameters: Parameters, settings: Settings) -> Normalized:
    """Normalises a 1x1 convolution with the statistics that follow from its input's moments."""
    if settings.strides != (1, 1):
        # A strided 1x1 convolution reads only the pixels it keeps, so only they count.
        height_stride, width_stride = settings.strides
        inputs = inputs[:, ::height_stride, ::width_stride, :]
    channels, filters = parameters.kernel.shape[-2:]
    pixels = ops.reshape(inputs, (-1, channels))
    kernel = ops.reshape(parameters.kernel, (channels, filters))

    mean, products, variance = _statistics(pixels, kernel, settings)
    convolve = _normalized_convolution(settings)
    outputs = convolve(pixels, kernel, parameters.gamma, parameters.beta, mean, products, variance)
    outputs = ops.reshape(outputs, (*ops.shape(inputs)[:-1], filters))
    projected = _sum_groups(ops.stop_gradient(kernel) * ops.expand_dims(mean, -1), settings)
    return Normalized(outputs, projected, variance)


def _statistics(
    pixels: Tensor, kernel: Tensor, settings: Settings
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the input's mean `(C,)`, S_g W_g as `(C, filters)` and var_g `(G, filters)`."""
    pixels = ops.cast(ops.stop_gradient(pixels), settings.dtype)
    kernel = ops.stop_gradient(kernel)
    count = ops.cast(ops.shape(pixels)[0], settings.dtype)
    mean = settings.replica_mean(ops.mean(pixels, axis=0))
    products = [
        ops.matmul(ops.matmul(ops.transpose(group), group) / count, weights)
        for group, weights in zip(
            settings.split(pixels - mean, 1), settings.split(kernel, 0), strict=True
        )
    ]
    joined = ops.concatenate(products, axis=0)
    variance = settings.replica_mean(_sum_groups(kernel * joined, settings))
    # Rounding leaves tiny negative variances where filters cancel a large common mode.
    return mean, joined, ops.maximum(variance, 0.0)


def _normalized_convolution(settings: Settings) -> Any:
    members = group_of_channel(settings.sizes)

    @ops.custom_gradient
    def convolve(
        pixels: Tensor,
        kernel: Tensor,
        gamma: Tensor,
        beta: Tensor,
        mean: Tensor,
        products: Tensor,
        variance: Tensor,
    ) -> tuple[Tensor, Any]:
        root = ops.rsqrt(variance + settings.epsilon)
        scale = ops.take(gamma * root, members, axis=0)
        folded = ops.cast(kernel * scale, pixels.dtype)
        offset = ops.cast(ops.sum(beta, axis=0), pixels.dtype)

        def gradient(*args: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, ...]:
            d_outputs = upstream_of(args, upstream)
            count = ops.cast(ops.shape(pixels)[0], settings.dtype)
            d_offset = ops.sum(ops.cast(d_outputs, settings.dtype), axis=0)
            # What needs nothing of the upstream TensorFlow would compute for all layers at once,
            # right after the forward pass, or take over from it: it would lie in memory till then.
            centred = _centred(pixels, after(mean, d_offset[0]), settings)
            inner = ops.cast(ops.matmul(ops.transpose(centred), d_outputs), settings.dtype)
            d_gamma = root * _sum_groups(kernel * inner, settings)
            through_variance = -gamma * root * root * settings.replica_mean(d_gamma) / count
            weighted = ops.take(through_variance, members, axis=0)
            d_kernel = scale * inner + count * products * weighted

            mixed = _mix_groups(centred, kernel * weighted, kernel, settings)
            d_mean = settings.replica_mean(d_offset) / count
            shift = ops.matmul(folded, ops.cast(ops.expand_dims(d_mean, -1), pixels.dtype))
            d_pixels = ops.matmul(d_outputs, ops.transpose(folded)) + mixed - shift[:, 0]
            d_beta = ops.broadcast_to(d_offset, ops.shape(beta))
            once = [differentiable_no_more(each) for each in (d_pixels, d_kernel, d_gamma)]
            constants = [ops.zeros_like(tensor) for tensor in (mean, products, variance)]
            return *once, d_beta, *constants

        return ops.matmul(_centred(pixels, mean, settings), folded) + offset, gradient

    return convolve


def _centred(pixels: Tensor, mean: Tensor, settings: Settings) -> Tensor:
    return ops.cast(ops.cast(pixels, settings.dtype) - mean, pixels.dtype)


def _mix_groups(centred: Tensor, left: Tensor, right: Tensor, settings: Settings) -> Tensor:
    """Returns f_g L_g R_g^T, the groups side by side."""
    groups = zip(
        settings.split(centred, 1), settings.split(left, 0), settings.split(right, 0), strict=True
    )
    mixed = [
        ops.matmul(group, ops.cast(ops.matmul(a, ops.transpose(b)), centred.dtype))
        for group, a, b in groups
    ]
    return ops.concatenate(mixed, axis=1)


def _sum_groups(terms: Tensor, settings: Settings) -> Tensor:
    """Adds up the rows of each group: `(C, filters)` to `(G, filters)`."""
    return ops.stack([ops.sum(group, axis=0) for group in settings.split(terms, 0)])
