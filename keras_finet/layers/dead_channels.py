"""Dead channels: slices of a normalisation that no longer answer to the input.

A normalisation maps `y = w * x`, which has a moving mean and variance, to

    n = (y - mean) * s + beta        with s = gamma / sqrt(variance + epsilon).

On data like the training's, `n` has the mean `beta` and the spread `|s| sqrt(variance)`, which is
`|gamma|` for a living slice. Where the input died (as a rule behind a ReLU that is never or hardly
ever positive) the variance falls to nothing, and `s` grows to `gamma / sqrt(epsilon)`: 316 gamma
for an epsilon of 1e-5. Float does not mind: the huge weights meet an input that does not change,
and its part of the mean is subtracted again. In int8 they set the scale of their filter, of which
everything else then rounds to zero; what rounding does to the input, times `s`, exceeds the output;
and the factor from the accumulator to the output can exceed what kernels have.

With a gamma of 0 a slice gives `beta`, which is what it gave on average. A slice is dead if

1. `variance < epsilon`: epsilon and not the data decides its scale; and
2. what it reads is less than int8 can tell from zero. Rounding an input of range R to 255 steps
   adds (R / 255)^2 / 12 to the variance of each of its elements, and `||w||^2` times that to the
   variance of y. With R nine standard deviations, as is usual, that is 1e-4 of what the input
   itself adds. The slices of a layer share an input and its scale, so the bound is 1e-4 of the mean
   of `variance / ||w||^2` over the layer.

The second condition keeps a slice that is small for another reason: a kernel that weight decay has
shrunk, inputs that were never scaled to one. It cannot see a layer that is dead as a whole; there,
a slice is dead if its spread is below 1e-4 `|gamma|`, through which nothing is learnt either.

In 25 small Finets trained carelessly on the digits (SGD 0.1 and 0.3, epsilon 1e-5 and 1e-3) 38 of
81 600 slices were dead, with variances from 1e-7 to 0.3 epsilon and less than 1e-7 of the mean in
the second condition. Dropping them left every float accuracy as it was and lowered the largest
requantisation factor from 71 to 4.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from keras_finet.layers.fold import Float64Array

# Of the mean of its layer: what int8's rounding of the input adds (see above).
INT8_NOISE = 1e-4
# Of epsilon: a spread of 1e-4 of gamma.
NOTHING = 1e-8

Mask = NDArray[np.bool_]


@runtime_checkable
class Normalizing(Protocol):
    """A layer with a kernel, slices of which it normalises with moving statistics.

    The statistics have one entry for each slice, in arrays of any shape.
    """

    epsilon: float
    scale: bool
    gamma: Any
    moving_variance: Any

    def kernel_norms(self) -> Float64Array:
        """Returns the Euclidean norm of each slice of the kernel, shaped as the statistics."""
        ...


def dead_slices(variance: Float64Array, epsilon: float, kernel_norms: Float64Array) -> Mask:
    """Tells which slices are dead, by the criterion at the top of this file.

    Args:
        variance: Moving variances, an array of any shape.
        epsilon: The number added to them.
        kernel_norms: Norms of the kernels that make what is normalised, of the same shape; ones
            where nothing is known of a kernel.

    Returns:
        A boolean array of that shape.
    """
    # A kernel of zeros reads nothing: 0 / 0 counts as 0.
    squares = np.square(kernel_norms)
    read = np.divide(variance, squares, out=np.zeros_like(variance), where=squares > 0)
    silent = read < INT8_NOISE * read.mean()
    return (variance < epsilon) & (silent | (variance <= NOTHING * epsilon))
