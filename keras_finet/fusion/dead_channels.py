"""The dead channels of a graph's normalisations, and layers that are rid of theirs.

`keras_finet.layers.dead_channels` has the criterion and the algebra of it.
"""

from collections.abc import Iterator, Mapping

import keras
import numpy as np

from keras_finet.fusion.stock_weights import convolution_weights, filter_norms
from keras_finet.graph import Graph, Operation
from keras_finet.layers.dead_channels import Mask, Normalizing, dead_slices
from keras_finet.layers.fold import Float64Array, constants_of
from keras_finet.pairs import check_constant_statistics
from keras_finet.planning import RefusalError


def find_dead_channels(graph: Graph, chains: Mapping[str, list[str]]) -> Iterator[tuple[str, Mask]]:
    """Yields the layers with dead channels, and which of their slices those are.

    Args:
        graph: The graph of the model.
        chains: For every layer that will be folded, the normalisations that go into it, by name.
    """
    convolutions = {chain[0]: name for name, chain in chains.items() if chain}
    for name, operation in graph.operations.items():
        if isinstance(operation, keras.layers.BatchNormalization):
            if not _is_constant(operation, graph):
                continue
            convolution = graph.operations.get(convolutions.get(name, ""))
            norms = _norms_before(operation, convolution)
        elif isinstance(operation, Normalizing) and name in chains:
            norms = operation.kernel_norms()
        else:
            continue
        dead = dead_slices(constants_of(operation).variance, operation.epsilon, norms)
        if dead.any():
            yield name, dead


def without_dead_channels(layer: keras.layers.Layer, dead: Mask) -> keras.layers.Layer:
    """Returns a copy of a normalising layer in which dead slices give beta and nothing else."""
    # A factor of zero needs a factor.
    config = {**layer.get_config(), "scale": True, "dtype": "float32"}
    copy = type(layer).from_config(config)
    copy.build(layer.input.shape)
    values = {variable.name: variable for variable in layer.weights}
    for variable in copy.weights:
        if variable.name in values:
            variable.assign(values[variable.name])
    copy.gamma.assign(np.where(dead, 0.0, constants_of(layer).gamma))
    return copy


def _is_constant(normalization: Operation, graph: Graph) -> bool:
    try:
        check_constant_statistics(normalization, graph)
    except RefusalError:
        return False
    return True


def _norms_before(
    normalization: keras.layers.BatchNormalization, convolution: Operation | None
) -> Float64Array:
    """Norms of the kernels that make the channels of `normalization`, ones if there are none."""
    if convolution is None:
        return np.ones(normalization.moving_variance.shape)
    return filter_norms(convolution_weights(convolution))
