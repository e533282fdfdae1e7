"""The graph that is trained, from the one that is deployed."""

from dataclasses import replace
from typing import Any

from tflite_tools.graph_spec import Call, GraphSpec, Node, Reference
from tflite_tools.graph_spec.names import unused_name
from tflite_tools.graph_spec.structure import mapped
from tflite_tools.mirror import separated
from tflite_tools.quantization_aware.points import activation_name


def prepared(spec: GraphSpec) -> GraphSpec:
    """Returns the graph up to the scores before a last softmax, with places to round at.

    Every activation is a node of its own, and so is the rounding of every input. The nodes with
    weights keep their names.
    """
    return _with_input_nodes(_without_softmax(separated(spec)))


def ends_in_softmax(spec: GraphSpec) -> bool:
    """Tells whether the network's output is that of a softmax."""
    split = separated(spec)
    return _without_softmax(split) is not split


def _without_softmax(spec: GraphSpec) -> GraphSpec:
    """The loss needs the scores: rounded probabilities of zero have no logarithm."""
    last = next((node for node in spec.nodes if node.name == spec.outputs[0].node), None)
    if last is None or activation_name(last) != "softmax" or len(last.calls) != 1:
        return spec
    nodes = tuple(node for node in spec.nodes if node is not last)
    return replace(spec, nodes=nodes, outputs=last.calls[0].inputs)


def _with_input_nodes(spec: GraphSpec) -> GraphSpec:
    taken = {node.name for node in spec.nodes} | {entry.name for entry in spec.inputs}
    rounded = {entry.name: unused_name(f"{entry.name}_rounded", taken) for entry in spec.inputs}

    def redirect(part: Any) -> Any:
        is_input = isinstance(part, Reference) and part.node in rounded
        return Reference(rounded[part.node]) if is_input else part

    entries = tuple(
        Node(name, "Identity", "keras.layers", None, {}, (), (Call((Reference(entry),), {}),))
        for entry, name in rounded.items()
    )
    nodes = tuple(
        replace(
            node,
            calls=tuple(
                Call(mapped(call.args, redirect), mapped(call.kwargs, redirect))
                for call in node.calls
            ),
        )
        for node in spec.nodes
    )
    return replace(spec, nodes=(*entries, *nodes))
