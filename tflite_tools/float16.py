"""What float16 makes of a network's constants, and which of them it cannot hold."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import GraphSpec

_LARGEST = float(np.finfo(np.float16).max)


def check_float16(content: bytes, graph: GraphSpec, name: str) -> None:
    """Refuses a float16 file in which weights of a layer are cut to what float16 holds.

    The converter does that without a word. A weight that the converter folds into another may be
    too large as long as their product is not, and so the file decides. Large constants that are
    no weights, such as the -1e9 of a mask, pass here.

    Args:
        content: The .tflite file.
        graph: What it was converted from.
        name: The file's name, for the message.
    """
    stored = _constants(content, schema.TensorType.FLOAT16, np.float16)
    if all(np.all(np.abs(values) < _LARGEST) for values in stored):
        return
    reached = {
        node.name: max(float(np.abs(weights).max(initial=0.0)) for weights in node.weights)
        for node in graph.nodes
        if node.weights
    }
    layers = [layer for layer, largest in reached.items() if largest > _LARGEST]
    if layers:
        raise ToolError(
            f"{name}: expected weights of magnitudes up to {_LARGEST:.0f}, float16's largest, got "
            + ", ".join(f"{reached[layer]:.3g} in the layer {layer!r}" for layer in layers)
            + ". The file would hold other weights and is not kept. Convert to float32, or scale "
            "these weights down."
        )


def with_float16_constants(content: bytes) -> bytes:
    """A float32 file whose constants are rounded to float16; too large ones become infinite.

    It computes what the float16 file of the same network has to: that unpacks its constants to
    float32 first.
    """
    rounded = bytearray(content)
    with np.errstate(over="ignore"):
        for values in _constants(rounded, schema.TensorType.FLOAT32, np.float32):
            values[:] = values.astype(np.float16)
    return bytes(rounded)


def _constants(content: bytes | bytearray, kind: int, dtype: type) -> Iterator[Any]:
    """The constants of one type in all graphs, as views of the content."""
    model = schema.Model.GetRootAs(content, 0)
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            buffer = model.Buffers(tensor.Buffer())
            if tensor.Type() == kind and buffer.DataLength():
                yield buffer.DataAsNumpy().view(dtype)
