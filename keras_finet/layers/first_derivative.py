"""For gradients that are written out by hand: they hold once."""

from typing import Any

from keras import ops

from keras_finet.layers.batch_form import Tensor


@ops.custom_gradient
def differentiable_no_more(first_derivative: Tensor) -> tuple[Tensor, Any]:
    """Returns a first derivative as it is; to differentiate it again is an error."""
    return first_derivative, _refuse


@ops.custom_gradient
def never_differentiated(source: Tensor, value: Tensor) -> tuple[Tensor, Any]:
    """Returns `value`; to differentiate it with respect to `source` is an error."""
    return value, _refuse


@ops.custom_gradient
def once_differentiable(tensor: Tensor) -> tuple[Tensor, Any]:
    """Returns a tensor as it is; its first derivative cannot be differentiated again."""

    def gradient(*args: Tensor, upstream: Tensor | None = None) -> Tensor:
        return differentiable_no_more(upstream_of(args, upstream))

    return tensor, gradient


def upstream_of(args: tuple[Tensor, ...], upstream: Tensor | None) -> Tensor:
    """Returns the upstream of a custom gradient, which the backends hand over differently."""
    return args[0] if upstream is None else upstream


def _refuse(*args: Tensor, upstream: Tensor | None = None) -> Tensor:
    raise NotImplementedError(
        "FineGrainedBatchNorm has only first derivatives, unless it is made with "
        '`statistics="direct"`. Make the layer so to differentiate it twice.'
    )
