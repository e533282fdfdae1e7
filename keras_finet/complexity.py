"""Parameters and multiply-accumulates of a model, layer by layer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from keras_finet.graph import copy_model, has_graph
from keras_finet.layers import FoldableConvolution
from keras_finet.table import text_table

# By exact type: subclasses such as the transposed and the separable ones work differently.
COUNTED = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dense,
)


@dataclass(frozen=True)
class LayerComplexity:
    """One layer's share.

    Attributes:
        layer: Name of the layer; in a nested model after the model's name and a slash.
        kind: Name of its class.
        output_shape: Shape of its output, without the batch.
        parameters: Number of trainable parameters.
        non_trainable: Number of other parameters, such as moving statistics.
        macs: Multiply-accumulates for one image, over all calls of the layer.
    """

    layer: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int
    non_trainable: int
    macs: int


@dataclass(frozen=True)
class ComplexityReport:
    """Parameters and multiply-accumulates (MACs) of a model; `print` shows them as a table.

    The paper's convention (arXiv 2005.06828, Table 2, where MACs are called FLOPs) counts the
    trainable parameters, and the MACs of all convolutions and fully connected layers but the last:
    the classifier (FC2). Element-wise operations and pooling count as nothing in both conventions.

    Attributes:
        model: Name of the model.
        layers: A `LayerComplexity` for every layer with parameters or MACs, in the graph's order.
        classifier: Name of the last layer with parameters if it is a `Dense`, else None.
        uncounted: Names of layers with kernels whose MACs are not known and left out.
    """

    model: str
    layers: tuple[LayerComplexity, ...]
    classifier: str | None
    uncounted: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Trainable parameters: the paper's convention."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def total_parameters(self) -> int:
        """All parameters, moving statistics included."""
        return self.parameters + sum(layer.non_trainable for layer in self.layers)

    @property
    def macs(self) -> int:
        """All multiply-accumulates for one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def paper_macs(self) -> int:
        """Multiply-accumulates for one image without the classifier: the paper's convention."""
        return sum(layer.macs for layer in self.layers if layer.layer != self.classifier)

    def __str__(self) -> str:
        header = ("layer", "class", "output", "parameters", "non-trainable", "MACs")
        rows = [
            (row.layer, row.kind, row.output_shape, row.parameters, row.non_trainable, row.macs)
            for row in self.layers
        ]
        title = (
            f"{self.model}: {self.parameters:,} trainable parameters, {self.paper_macs:,} MACs "
            f"without the classifier (the paper's convention)\n"
            f"in full: {self.total_parameters:,} parameters, {self.macs:,} MACs"
        )
        if self.uncounted:
            title += f"\nMACs left out, not known for their class: {', '.join(self.uncounted)}"
        return text_table(title, header, rows)


def complexity(model: keras.Model) -> ComplexityReport:
    """Counts parameters and multiply-accumulates layer by layer.

    Args:
        model: A functional or a built Sequential model with a known image size.

    Returns:
        A `ComplexityReport`; `print` it, or read its figures.

    Raises:
        ValueError: if `model` is neither functional nor Sequential, or its image size is unknown.
    """
    rows: list[LayerComplexity] = []
    uncounted: list[str] = []
    for path, layer, outputs in _calls(model):
        if _has_known_macs(layer):
            macs = sum(_macs(layer, output) for output in outputs)
        else:
            macs = 0
            if any(len(weight.shape) > 1 for weight in layer.weights):
                uncounted.append(path)
        if macs or layer.weights:
            rows.append(_row(path, layer, outputs, macs))
    last = next((row for row in reversed(rows) if row.parameters), None)
    classifier = last.layer if last is not None and last.kind == "Dense" else None
    return ComplexityReport(model.name, tuple(rows), classifier, tuple(uncounted))


def _calls(
    model: keras.Model, path: str = "", repeats: int = 1
) -> Iterator[tuple[str, keras.layers.Layer, list[Any]]]:
    """Yields every layer of `model` and of the models in it, with the outputs of all its calls."""
    calls: dict[str, list[Any]] = {}

    def record(operation: Any, outputs: Any) -> None:
        calls.setdefault(operation.name, []).append(outputs)

    # A copy, because a layer of the original may have been called in other models too.
    copy = copy_model(model, on_call=record)
    for layer in copy.layers:
        outputs = calls.get(layer.name, []) * repeats
        if has_graph(layer):
            yield from _calls(layer, f"{path}{layer.name}/", len(outputs))
        elif outputs:
            yield path + layer.name, layer, outputs


def _has_known_macs(layer: keras.layers.Layer) -> bool:
    return type(layer) in COUNTED or isinstance(layer, FoldableConvolution)


def _macs(layer: keras.layers.Layer, output: Any) -> int:
    """Multiplies the size of the kernel with the number of places it is applied at."""
    if None in output.shape[1:]:
        raise ValueError(
            f"Expected a model with a known image size. Received: layer {layer.name!r} with "
            f"outputs of shape {output.shape}. Build the model with a static `input_shape`."
        )
    kernel = layer.fold().kernel if isinstance(layer, FoldableConvolution) else layer.kernel
    channels_first = getattr(layer, "data_format", None) == "channels_first"
    channels = output.shape[1 if channels_first else -1]
    return math.prod(output.shape[1:]) // channels * math.prod(kernel.shape)


def _row(path: str, layer: keras.layers.Layer, outputs: list[Any], macs: int) -> LayerComplexity:
    return LayerComplexity(
        layer=path,
        kind=type(layer).__name__,
        output_shape=tuple(keras.tree.flatten(outputs[0])[0].shape[1:]),
        parameters=_count(layer.trainable_weights),
        non_trainable=_count(layer.non_trainable_weights),
        macs=macs,
    )


def _count(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
