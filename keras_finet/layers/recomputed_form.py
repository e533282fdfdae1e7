"""Fine-grained batch normalisation of any convolution that keeps nothing but its input.

A group's partial sum is made again in the backward pass. TensorFlow's executor runs whatever is
ready, and would lose what that saves in two ways:

- It would make the partial sums of all groups again at once. So a token, a vector of zeros, goes
  through the groups and holds a recomputation back until the group after it has its gradients.
- A convolution keeps its input for the gradient of its kernel, and the groups of an input are a
  second copy of it. So a group's input is cut out of the whole again, and only its gradient goes
  back through the split.
"""

from collections.abc import Callable
from typing import Any

from keras import ops, remat

from keras_finet.layers.batch_form import Normalized, Parameters, Settings, Tensor
from keras_finet.layers.execution_order import after, in_turn
from keras_finet.layers.first_derivative import (
    never_differentiated,
    once_differentiable,
    upstream_of,
)
from keras_finet.layers.partial_sum_form import partial_sum
from keras_finet.layers.partial_sum_gradient import normalize_partial_sum

GroupNormalizer = Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]]


def normalize_by_recomputed_partial_sums(
    inputs: Tensor, parameters: Parameters, settings: Settings
) -> Normalized:
    """Normalises a convolution with any kernel; makes partial sums again in the backward pass."""
    whole = ops.stop_gradient(inputs)
    groups = settings.split(once_differentiable(inputs), -1)
    kernels = settings.split(once_differentiable(parameters.kernel), -2)
    gammas = ops.unstack(once_differentiable(parameters.gamma), len(settings.sizes))
    token = ops.zeros_like(gammas[0])
    total: Tensor = None
    means, variances = [], []
    for index, group in enumerate(groups):
        normalize = remat(_group_normalizer(index, settings))
        token, outputs, mean, variance = normalize(
            group, whole, kernels[index], gammas[index], token
        )
        total = outputs if total is None else total + outputs
        means.append(mean)
        variances.append(variance)
    # With the token in the sum, its gradient waits for the layer's upstream.
    total = total + (ops.sum(parameters.beta, axis=0) + token)
    return Normalized(ops.cast(total, inputs.dtype), ops.stack(means), ops.stack(variances))


def _group_normalizer(index: int, settings: Settings) -> GroupNormalizer:
    start = sum(settings.sizes[:index])
    channels = slice(start, start + settings.sizes[index])

    # Everything to differentiate is an argument: recomputation does not see captured tensors.
    def normalize(
        group: Tensor, whole: Tensor, kernel: Tensor, gamma: Tensor, token: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        inputs = _cut_out(group, whole[..., channels])
        sums = partial_sum(inputs, in_turn(kernel, token), settings)
        outputs, mean, variance = normalize_partial_sum(sums, gamma, settings)
        # First, because it is the first output whose gradient TensorFlow's recomputation awaits.
        return after(token, variance), outputs, mean, variance

    return normalize


@ops.custom_gradient
def _cut_out(group: Tensor, same: Tensor) -> tuple[Tensor, Any]:
    """Returns the value of `same`; its gradient is that of `group`, which need not be kept."""

    def gradient(*args: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return upstream_of(args, upstream), ops.zeros_like(same)

    # jax differentiates this line when it differentiates a derivative.
    return never_differentiated(group, same), gradient
