"""Batch normalisation of one partial sum, its gradient written out.

For an upstream D of gamma * yhat, where yhat = (y - mean) * r and r = rsqrt(var + epsilon):

    dgamma = sum_n D * yhat
    z      = gamma * r * D - (y - mean) * gamma * r^3 * mean_n(D * (y - mean))
    dy     = z - mean_n(z)

The mean of (y - mean) is zero but for rounding; a kernel's gradient multiplies what is left of it
with the input's mean, so it is taken off with that of D.

Autodiff of the same steps takes more passes over the partial sum and keeps a second copy of it.
"""

from typing import Any

from keras import ops

from keras_finet.layers.batch_form import Settings, Tensor
from keras_finet.layers.first_derivative import differentiable_no_more, upstream_of

PIXEL_AXES = (0, 1, 2)


def normalize_partial_sum(
    partial_sum: Tensor, gamma: Tensor, settings: Settings
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns gamma * yhat, and the mean and the biased variance `(filters,)`."""
    constant = ops.cast(ops.stop_gradient(partial_sum), settings.dtype)
    mean = settings.replica_mean(ops.mean(constant, axis=PIXEL_AXES))
    variance = settings.replica_mean(ops.mean(ops.square(constant - mean), axis=PIXEL_AXES))
    outputs = _scaled(settings)(partial_sum, gamma, mean, variance)
    return outputs, mean, variance


def _scaled(settings: Settings) -> Any:
    @ops.custom_gradient
    def scale(
        partial_sum: Tensor, gamma: Tensor, mean: Tensor, variance: Tensor
    ) -> tuple[Tensor, Any]:
        root = ops.rsqrt(variance + settings.epsilon)
        factor = gamma * root

        def gradient(*args: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, ...]:
            d_outputs = upstream_of(args, upstream)
            centred = ops.cast(partial_sum, settings.dtype) - mean
            product = ops.mean(d_outputs * centred, axis=PIXEL_AXES)
            pull = factor * root * root * settings.replica_mean(product)
            d_centred = d_outputs * factor - centred * pull
            d_mean = settings.replica_mean(ops.mean(d_centred, axis=PIXEL_AXES))
            d_partial_sum = d_centred - d_mean
            d_gamma = product * root * _pixel_count(d_outputs, settings)
            return (
                differentiable_no_more(ops.cast(d_partial_sum, partial_sum.dtype)),
                differentiable_no_more(d_gamma),
                ops.zeros_like(mean),
                ops.zeros_like(variance),
            )

        return (ops.cast(partial_sum, settings.dtype) - mean) * factor, gradient

    return scale


def _pixel_count(images: Tensor, settings: Settings) -> Tensor:
    batch, height, width = ops.shape(images)[:3]
    return ops.cast(batch * height * width, settings.dtype)
