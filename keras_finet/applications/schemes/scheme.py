"""What a network needs from a way to normalise it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from keras import layers

from keras_finet.applications.classifier import Activation, Tensor, check_stem


@dataclass(frozen=True)
class Branch:
    """A residual block's branch, for the convolution at its end.

    Attributes:
        convolutions: How many of its convolutions see all channels.
        added: Whether a shortcut is added to it.
        gated: Whether a squeeze-excite gate multiplies it.
    """

    convolutions: int
    added: bool
    gated: bool = False


class Scheme(ABC):
    """How the convolutions of one network are made, normalised and activated.

    An object serves one network, whose layers it is asked for in their order. Names are those of
    the convolutions; what comes with one has its name and a suffix. An activation is `"relu"`, the
    scheme's own in its place, another of Keras, or None. Padding is "same".
    """

    @abstractmethod
    def plain(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """A convolution over all channels."""

    @abstractmethod
    def depthwise(
        self, x: Tensor, kernel: int, name: str, strides: int = 1, activation: str | None = None
    ) -> Tensor:
        """A depthwise convolution."""

    @abstractmethod
    def fully_connected(
        self, pixel: Tensor, filters: int, name: str, activation: str | None = "relu"
    ) -> Tensor:
        """A hidden fully connected layer, as a 1x1 convolution on a pooled pixel."""

    @abstractmethod
    def scores(self, pixel: Tensor, classes: int, activation: Activation) -> Tensor:
        """The classifier on a pooled pixel: a vector, from a layer called `"predictions"`."""

    def fine_grained(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        strides: int = 1,
        activation: str | None = "relu",
    ) -> Tensor:
        """A convolution that is normalised by groups of its input channels, where there are any."""
        return self.plain(x, filters, kernel, name, strides, activation)

    def last(
        self,
        x: Tensor,
        filters: int,
        kernel: int,
        name: str,
        branch: Branch,
        strides: int = 1,
    ) -> Tensor:
        """The convolution at the end of a residual block's branch, before any gate."""
        return self.fine_grained(x, filters, kernel, name, strides, activation=None)

    def joined(self, x: Tensor, shortcut: Tensor | None, name: str) -> Tensor:
        """The end of a residual block: the sum with its shortcut, if it has one, and ReLU."""
        if shortcut is not None:
            x = layers.Add(name=f"{name}_add")([x, shortcut])
        return layers.ReLU(name=f"{name}_relu")(x)

    def first(
        self, images: Tensor, filters: int, kernel: int, name: str, strides: int = 1
    ) -> Tensor:
        """The convolution that reads the image."""
        return self.plain(images, filters, kernel, name, strides)

    def stem(self, images: Tensor, filters: int, kernel: int, kind: str) -> Tensor:
        """First convolution and pool of a network.

        `"imagenet"`: stride 2, then a pool of stride 2. `"cifar"`, for small images: a 3x3
        convolution of stride 1 and no pool (arXiv 2005.06828, section 5.3).

        Raises:
            ValueError: for another `kind`.
        """
        check_stem(kind)
        if kind == "cifar":
            return self.first(images, filters, 3, "conv1")
        x = self.first(images, filters, kernel, "conv1", strides=2)
        return layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
