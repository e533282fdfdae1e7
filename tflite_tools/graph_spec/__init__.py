"""A network as plain data, from which any Keras can build it: the neutral description.

    spec = describe(keras_finet.fuse(model))
    model = build(spec, batch_size=1)

`save` and `load` carry it from one process to another, and so from one backend to another.
"""

from tflite_tools.graph_spec.building import build
from tflite_tools.graph_spec.configs import refuse_foreign_layers
from tflite_tools.graph_spec.describing import describe
from tflite_tools.graph_spec.storing import load, save
from tflite_tools.graph_spec.structure import Call, GraphInput, GraphSpec, Node, Reference

__all__ = [
    "Call",
    "GraphInput",
    "GraphSpec",
    "Node",
    "Reference",
    "build",
    "describe",
    "load",
    "refuse_foreign_layers",
    "save",
]
