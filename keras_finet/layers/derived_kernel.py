"""What the convolutions share whose kernel is a function of their variables."""

from typing import Any

from keras import ops

from keras_finet.layers.channels import Tensor


class DerivedKernel:
    """For a window layer: it convolves with the kernel that `_derived_kernel` returns.

    A subclass computes it in the variables' dtype, in every call, in training as in inference.
    """

    bias: Any = None

    def _derived_kernel(self) -> Tensor:
        raise NotImplementedError

    def call(self: Any, inputs: Tensor) -> Tensor:
        """Convolves `inputs` with the derived kernel."""
        inputs = self._to_channels_last(ops.cast(inputs, self.compute_dtype))
        outputs = self._convolve(inputs, ops.cast(self._derived_kernel(), inputs.dtype))
        if self.bias is not None:
            outputs = outputs + ops.cast(self.bias, inputs.dtype)
        return self.activation(self._from_channels_last(outputs))
