"""Fine-grained batch normalisation of any convolution, one group's partial sum after another."""

from collections.abc import Callable

from keras import ops

from keras_finet.layers.batch_form import Normalized, Parameters, Settings, Tensor
from keras_finet.layers.partial_sum_gradient import PIXEL_AXES, normalize_partial_sum

GroupNormalizer = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def normalize_by_partial_sums(
    inputs: Tensor, parameters: Parameters, settings: Settings
) -> Normalized:
    """Normalises a convolution with any kernel; keeps every partial sum for the backward pass."""

    def normalize(inputs: Tensor, kernel: Tensor, gamma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return normalize_partial_sum(partial_sum(inputs, kernel, settings), gamma, settings)

    return _accumulate_groups(inputs, parameters, settings, normalize)


def normalize_directly(inputs: Tensor, parameters: Parameters, settings: Settings) -> Normalized:
    """The same as it is written in the paper, with derivatives of any order by autodiff."""

    def normalize(inputs: Tensor, kernel: Tensor, gamma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = ops.cast(partial_sum(inputs, kernel, settings), settings.dtype)
        mean = settings.replica_mean(ops.mean(outputs, axis=PIXEL_AXES))
        centred = outputs - mean
        variance = settings.replica_mean(ops.mean(ops.square(centred), axis=PIXEL_AXES))
        return centred * (gamma * ops.rsqrt(variance + settings.epsilon)), mean, variance

    return _accumulate_groups(inputs, parameters, settings, normalize)


def _accumulate_groups(
    inputs: Tensor, parameters: Parameters, settings: Settings, normalize_group: GroupNormalizer
) -> Normalized:
    groups = zip(
        settings.split(inputs, -1),
        settings.split(parameters.kernel, -2),
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


def partial_sum(inputs: Tensor, kernel: Tensor, settings: Settings) -> Tensor:
    """Convolves a group's inputs with its kernel."""
    return settings.convolve(inputs, ops.cast(kernel, inputs.dtype))
