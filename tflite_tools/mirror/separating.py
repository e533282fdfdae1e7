"""A graph whose layers with weights are linear: their activations are nodes of their own."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tflite_tools.graph_spec import Call, GraphSpec, Node, Reference
from tflite_tools.graph_spec.names import unused_name
from tflite_tools.graph_spec.structure import mapped

_LINEAR = "linear"


def separated(spec: GraphSpec) -> GraphSpec:
    """Returns an equal graph in which every activation is an `Activation` node.

    The nodes with weights keep their names.
    """
    names = {node.name for node in spec.nodes}
    split = {
        node.name: _activation_name(node, names)
        for node in spec.nodes
        if node.class_name != "Activation" and node.config.get("activation", _LINEAR) != _LINEAR
    }

    def redirect(part: Any) -> Any:
        is_split = isinstance(part, Reference) and part.node in split
        return replace(part, node=split[part.node]) if is_split else part

    nodes = tuple(new for node in spec.nodes for new in _parts(node, split, redirect))
    outputs = tuple(redirect(reference) for reference in spec.outputs)
    return replace(spec, nodes=nodes, outputs=outputs)


def _parts(node: Node, split: Mapping[str, str], redirect: Any) -> Iterator[Node]:
    calls = tuple(Call(mapped(c.args, redirect), mapped(c.kwargs, redirect)) for c in node.calls)
    if node.name not in split:
        yield replace(node, calls=calls)
        return
    yield replace(node, calls=calls, config={**node.config, "activation": _LINEAR})
    name = split[node.name]
    yield Node(
        name,
        "Activation",
        "keras.layers",
        None,
        {"name": name, "activation": node.config["activation"]},
        (),
        tuple(Call((Reference(node.name, call),), {}) for call in range(len(calls))),
    )


def _activation_name(node: Node, taken: set[str]) -> str:
    name = unused_name(f"{node.name}_activation", taken)
    taken.add(name)
    return name
