"""Descriptions as files: JSON and arrays in one `.npz`, nothing that could run code."""

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec.structure import Call, GraphInput, GraphSpec, Node, Reference, mapped

_GRAPH = "graph"
_REFERENCE, _TUPLE = "__reference__", "__tuple__"


def save(spec: GraphSpec, path: Path) -> None:
    """Writes a description to an `.npz` file."""
    weights = [array for node in spec.nodes for array in node.weights]
    graph = {
        "name": spec.name,
        "inputs": [astuple(entry) for entry in spec.inputs],
        "nodes": [_node_json(node) for node in spec.nodes],
        "outputs": spec.outputs,
    }
    arrays: dict[str, Any] = {str(position): array for position, array in enumerate(weights)}
    arrays[_GRAPH] = np.frombuffer(json.dumps(_encoded(graph)).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def load(path: Path) -> GraphSpec:
    """Reads a description that `save` wrote."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            graph = _decoded(json.loads(archive[_GRAPH].tobytes()))
            weights = (archive[str(position)] for position in range(len(archive.files) - 1))
            return GraphSpec(
                graph["name"],
                tuple(GraphInput(*entry) for entry in graph["inputs"]),
                tuple(_node(entry, weights) for entry in graph["nodes"]),
                graph["outputs"],
            )
    # A damaged file can fail in NumPy, in zipfile and in json, by many types.
    except Exception as error:
        raise ToolError(
            f"{path}: not the description of a graph, or a damaged one "
            f"({type(error).__name__}: {error}). Write it again."
        ) from error


def _node_json(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "class_name": node.class_name,
        "module": node.module,
        "registered_name": node.registered_name,
        "config": node.config,
        "weights": len(node.weights),
        "calls": [[call.args, call.kwargs] for call in node.calls],
    }


def _node(entry: dict[str, Any], weights: Any) -> Node:
    own = tuple(next(weights) for _ in range(entry["weights"]))
    calls = tuple(Call(args, kwargs) for args, kwargs in entry["calls"])
    return Node(**{**entry, "weights": own, "calls": calls})


def _encoded(value: Any) -> Any:
    """JSON has neither references nor tuples."""

    def encode(part: Any) -> Any:
        if isinstance(part, Reference):
            return {_REFERENCE: [part.node, part.call, part.output]}
        if isinstance(part, tuple):
            return {_TUPLE: [_encoded(item) for item in part]}
        return part

    return mapped(value, encode)


def _decoded(value: Any) -> Any:
    def decode(part: Any) -> Any:
        if isinstance(part, dict) and _REFERENCE in part:
            return Reference(*part[_REFERENCE])
        if isinstance(part, dict) and _TUPLE in part:
            return tuple(_decoded(item) for item in part[_TUPLE])
        return part

    return mapped(value, decode)
