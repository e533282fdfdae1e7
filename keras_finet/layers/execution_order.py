"""Which of two computations comes first, where the data leave it open.

An executor runs whatever is ready. Of computations that do not depend on each other it then has all
intermediate results in memory at once.
"""

from typing import Any

from keras import ops

from keras_finet.layers.batch_form import Tensor
from keras_finet.layers.first_derivative import upstream_of


def after(tensor: Tensor, event: Tensor) -> Tensor:
    """Returns `tensor` as it is, but not before `event` is there.

    Args:
        tensor: Any tensor.
        event: A tensor that broadcasts to it. Nothing is differentiated with respect to it.
    """
    # Nothing simpler survives the graph optimisers. A comparison, lest a NaN spread.
    happened = ops.cast(ops.stop_gradient(event) > 0, tensor.dtype)
    return ops.minimum(tensor, tensor + happened)


@ops.custom_gradient
def in_turn(kernel: Tensor, token: Tensor) -> tuple[Tensor, Any]:
    """Returns a kernel as it is, but not before a token has come; the gradients go the other way.

    Args:
        kernel: Tensor `(kernel_height, kernel_width, channels, filters)`.
        token: Vector `(filters,)` that other computations yield and wait for too. Its gradient,
            zero, is not there before the kernel's.
    """

    def gradient(*args: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, Tensor]:
        d_kernel = upstream_of(args, upstream)
        return d_kernel, after(ops.zeros_like(token), d_kernel[0, 0, 0])

    return after(kernel, token), gradient
