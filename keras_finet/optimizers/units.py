"""Units: the parts of a variable whose gradients are clipped apart, one for each output channel."""

from collections.abc import Iterator

import keras

from keras_finet.graph import layers_inside

Axes = tuple[int, ...]
CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)


def axes_of_shape(shape: tuple[int, ...]) -> Axes:
    """Returns the axes of one unit, as far as a variable's shape tells.

    A vector is one unit, also the `(1, 1, channels)` of a `PReLU`. Kernels have a unit for each
    output channel: those of `Conv2D`, `(height, width, channels, filters)`, along the last axis;
    what has the shape `(height, width, channels, 1)` is taken for depthwise, with one for each
    channel.
    """
    rank = len(shape)
    is_vector = rank <= 1 or (rank == 3 and set(shape[:-1]) == {1})
    if is_vector:
        return tuple(range(rank))
    is_depthwise = rank == 4 and shape[-1] == 1
    return tuple(range(rank - 2 if is_depthwise else rank - 1))


def misleading_axes(model: keras.Model) -> dict[str, Axes]:
    """Returns the axes of those variables whose shape misleads, as "layer/variable".

    These are kernels of convolutions with a single filter, and depthwise ones with several filters
    for each channel.
    """
    return {
        f"{layer.name}/{variable.name}": axes
        for layer in layers_inside(model)
        for variable, axes in _kernels(layer)
        if axes != axes_of_shape(tuple(variable.shape))
    }


def _kernels(layer: keras.layers.Layer) -> Iterator[tuple[keras.Variable, Axes]]:
    for variable in layer.weights:
        rank = len(variable.shape)
        if variable.name == "depthwise_kernel" or (
            variable.name == "kernel" and _is_depthwise(layer)
        ):
            yield variable, tuple(range(rank - 2))
        elif variable.name in ("kernel", "pointwise_kernel") and rank > 2:
            yield variable, tuple(range(rank - 1))


def _is_depthwise(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, DEPTHWISE) or hasattr(layer, "depth_multiplier")


def classifier_of(model: keras.Model) -> str:
    """Returns the name of the last layer with a kernel, which is Dense or a 1x1 convolution.

    Raises:
        ValueError: if it is another one.
    """
    last = None
    for layer in layers_inside(model):
        if any(len(variable.shape) > 1 for variable in layer.trainable_variables):
            last = layer
    is_pointwise = set(getattr(last, "kernel_size", ())) == {1}
    if last is None or not (isinstance(last, keras.layers.Dense) or is_pointwise):
        raise ValueError(
            f"Expected a classifier, a Dense or 1x1 convolution that is the last layer with a "
            f"kernel of {model.name!r}. Received: {getattr(last, 'name', None)!r}, a "
            f"{type(last).__name__}. Name it in `exclude`, or exclude nothing with ()."
        )
    return str(last.name)
