"""MimicNorm: centred weights, and one batch normalisation, of the scores."""

import math

from keras import initializers, layers

from keras_finet.applications.classifier import Activation, Tensor, channel_axis
from keras_finet.applications.schemes.batch_norm import MOMENTUM
from keras_finet.applications.schemes.scheme import Branch, Scheme
from keras_finet.layers import BranchScale, Centered, ZeroMean

# What ReLU and centred weights take from the signal, restored: about 1 / sqrt(1 - 1 / pi).
GAIN = 1.2
# Of initial weights, times their number for an output.
VARIANCE = 2.0
SCORES_EPSILON = 1e-5
# An image's convolution with no more inputs to an output is not centred.
LARGEST_UNCENTRED = 50
# Input channels that a convolution's initial weights count at least.
LEAST_CHANNELS = 4


class MimicNormScheme(Scheme):
    """Convolutions with biases, whose weights have a mean of zero in every filter; ReLU.

    The paper's are: the centred weights, learned factors at the end of branches and of
    convolutions outside of blocks, a batch normalisation without factors and offsets of the
    scores. Not centred are depthwise convolutions, fully connected layers, and a convolution of
    the image with 50 inputs or fewer. Squeeze-excite counts as fully connected; that is an
    extrapolation.

    Args:
        variance: Of a convolution's initial weights, times its inputs to an output. More than 2
            stands for the factors that a network without residual blocks has none of.
    """

    def __init__(self, variance: float = VARIANCE) -> None:
        self.variance = variance
        self._residuals = 0

    def first(
        self, images: Tensor, filters: int, kernel: int, name: str, strides: int = 1
    ) -> Tensor:
        """Centred if it is large enough, with no factor."""
        inputs = kernel**2 * images.shape[channel_axis()]
        if inputs > LARGEST_UNCENTRED:
            return self.fine_grained(images, filters, kernel, name, strides)
        return self._convolution(images, filters, kernel, name, strides, "relu")

    def plain(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """A centred `Conv2D`, a factor, activation."""
        x = self.fine_grained(x, filters, kernel, name, strides, activation=None)
        x = BranchScale(GAIN, name=f"{name}_scale")(x)
        if activation is None:
            return x
        return layers.Activation(activation, name=f"{name}_{activation}")(x)

    def fine_grained(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """A centred `Conv2D`, activation."""
        return self._convolution(x, filters, kernel, name, strides, activation, centred=True)

    def depthwise(
        self, x: Tensor, kernel: int, name: str, strides: int = 1, activation: str | None = None
    ) -> Tensor:
        """`DepthwiseConv2D` whose weights are as small as if it read several channels."""
        deviation = math.sqrt(self.variance / (kernel**2 * LEAST_CHANNELS))
        return layers.DepthwiseConv2D(
            kernel,
            strides=strides,
            padding="same",
            activation=activation,
            depthwise_initializer=initializers.RandomNormal(stddev=deviation),
            name=name,
        )(x)

    def fully_connected(
        self, pixel: Tensor, filters: int, name: str, activation: str | None = "relu"
    ) -> Tensor:
        """`Conv2D`, not centred, activation."""
        return layers.Conv2D(
            filters, 1, activation=activation, kernel_initializer=_normal(VARIANCE), name=name
        )(pixel)

    def last(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        branch: Branch,
        strides: int = 1,
    ) -> Tensor:
        """A factor ends the branch: smaller from one sum to the next."""
        factor = GAIN**branch.convolutions
        if branch.added:
            self._residuals += 1
            factor /= self._residuals
        x = self.fine_grained(x, filters, kernel, name, strides, activation=None)
        return BranchScale(factor, name=f"{name}_scale")(x)

    def scores(self, pixel: Tensor, classes: int, activation: Activation) -> Tensor:
        """`Dense`, without a bias because batch normalisation takes it away again."""
        x = layers.Flatten(name="flatten")(pixel)
        x = layers.Dense(
            classes, use_bias=False, kernel_initializer=_normal(VARIANCE), name="logits"
        )(x)
        x = layers.BatchNormalization(
            center=False, scale=False, momentum=MOMENTUM, epsilon=SCORES_EPSILON, name="logits_bn"
        )(x)
        return layers.Activation(activation, name="predictions")(x)

    def _convolution(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int,
        activation: str | None,
        centred: bool = False,
    ) -> Tensor:
        initializer = _normal(self.variance)
        return layers.Conv2D(
            filters,
            kernel,
            strides=strides,
            padding="same",
            activation=activation,
            kernel_initializer=Centered(initializer) if centred else initializer,
            kernel_constraint=ZeroMean() if centred else None,
            name=name,
        )(x)


def _normal(variance: float) -> initializers.Initializer:
    return initializers.VarianceScaling(variance, "fan_in", "untruncated_normal")
