"""Normalization as part of a network, which then takes an image's pixels as they are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import GraphSpec, Node, Reference, describe
from tflite_tools.graph_spec.names import unused_name
from tflite_tools.graph_spec.structure import mapped
from tflite_tools.preprocessing import Normalization, is_image_shape
from tflite_tools.quiet import silenced


def with_pixel_input(spec: GraphSpec, normalization: Normalization, *, dtype: str) -> GraphSpec:
    """Puts a normalization in front of a network.

    It becomes one 1×1 depthwise convolution, whose kernel is the scale and whose bias is the
    offset of each channel.

    Args:
        spec: A network with one image input, which expects normalized pixels.
        normalization: What it expects to have been done to them.
        dtype: The type of the new input. "uint8" is cast to float by an operator of its own;
            "float32" is for what is quantised afterwards, its input included.

    Returns:
        The network that takes pixels from 0 to 255, under the same name of the input.
    """
    (entry,) = spec.inputs
    check_takes_images(entry.shape)
    front = _front(spec, normalization, dtype)
    old, new = Reference(entry.name), front.outputs[0]

    def moved(reference: Reference) -> Reference:
        return new if reference == old else reference

    return replace(
        spec,
        inputs=front.inputs,
        nodes=(*front.nodes, *(_with_references(node, moved) for node in spec.nodes)),
        outputs=tuple(map(moved, spec.outputs)),
    )


def check_takes_images(shape: tuple[int | None, ...]) -> None:
    """Refuses a network whose input is no image."""
    if not is_image_shape(shape):
        raise ToolError(
            "include_preprocessing: expected a model whose input is an image of (height, width, "
            f"1 or 3), got {shape}. Convert it without."
        )


def _front(spec: GraphSpec, normalization: Normalization, dtype: str) -> GraphSpec:
    """The new part as Keras makes it, in names that the network does not use."""
    import keras

    (entry,) = spec.inputs
    with silenced():
        pixels = keras.Input(entry.shape, entry.batch_size, dtype=dtype, name=entry.name)
        x = keras.ops.cast(pixels, "float32") if dtype != "float32" else pixels
        layer = keras.layers.DepthwiseConv2D(
            1, data_format="channels_last", dtype="float32", name="normalize"
        )
        front = keras.Model(pixels, layer(x), name=spec.name)
        kernel = np.reshape(normalization.scale, (1, 1, -1, 1))
        layer.set_weights([kernel, np.asarray(normalization.offset)])
        return _renamed(describe(front), {entry.name, *(node.name for node in spec.nodes)})


def _renamed(spec: GraphSpec, taken: set[str]) -> GraphSpec:
    names = {node.name: unused_name(node.name, taken) for node in spec.nodes}

    def moved(reference: Reference) -> Reference:
        return replace(reference, node=names.get(reference.node, reference.node))

    nodes = (_with_references(node, moved) for node in spec.nodes)
    return replace(
        spec,
        nodes=tuple(
            replace(node, name=names[node.name], config={**node.config, "name": names[node.name]})
            for node in nodes
        ),
        outputs=tuple(map(moved, spec.outputs)),
    )


def _with_references(node: Node, moved: Callable[[Reference], Reference]) -> Node:
    """The node, reading other tensors."""

    def each(part: object) -> object:
        return moved(part) if isinstance(part, Reference) else part

    calls = (
        replace(call, args=mapped(call.args, each), kwargs=mapped(call.kwargs, each))
        for call in node.calls
    )
    return replace(node, calls=tuple(calls))
