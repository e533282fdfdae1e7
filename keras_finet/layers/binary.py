"""Two-valued functions whose gradient is that of another function: straight-through estimates."""

from keras import ops

from keras_finet.layers.channels import Tensor


def sign(x: Tensor) -> Tensor:
    """Returns +1 where `x >= 0`, and -1 elsewhere. `ops.sign` has a third value, 0, at 0."""
    return ops.where(ops.greater_equal(x, 0.0), 1.0, -1.0)


def straight_through(value: Tensor, x: Tensor) -> Tensor:
    """Returns `value`, with the gradient of `x` in place of its own.

    The outputs are exactly those of `value`: the textbook's `x + (value - x)` is rounded.
    """
    return ops.stop_gradient(value) + (x - ops.stop_gradient(x))


def binary_activation(x: Tensor) -> Tensor:
    """Returns `sign(x)`, whose gradient is 2 + 2x on [-1, 0), 2 - 2x on [0, 1) and else 0.

    That is the derivative of the parabolas that lead from -1 over 0 to 1 (arXiv
    1808.00278).
    """
    clipped = ops.clip(x, -1.0, 1.0)
    return straight_through(ops.cast(sign(x), clipped.dtype), clipped * (2.0 - ops.abs(clipped)))
