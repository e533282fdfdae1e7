"""Where a TFLite int8 graph rounds its activations, read off the description of the network."""

from collections import defaultdict
from collections.abc import Iterator

from tflite_tools.graph_spec import GraphSpec, Node

# They hand on the numbers of their input, in its scale.
_PASSED_ON = frozenset(
    {
        *("ActivityRegularization", "Cropping2D", "Dropout", "Flatten", "GlobalMaxPooling2D"),
        *("Identity", "MaxPooling2D", "Permute", "Reshape", "SpatialDropout2D", "ZeroPadding2D"),
        *("AveragePooling2D", "ChannelShuffleSplit", "Transpose"),
    }
)
# Their outputs are no numbers.
_CONDITIONS = frozenset({"GreaterEqual"})
# TFLite computes these inside the operator before, if it is one that can.
_FUSED_ACTIVATIONS = ("relu", "relu6")
_CAN_FUSE = ("Add", "Conv2D", "Dense", "DepthwiseConv2D", "Multiply", "SeparableConv2D")
_ACTIVATION_CLASSES = ("Relu", "Relu6", "Sigmoid", "Softmax", "Tanh")
# TFLite fixes the scales of these outputs.
_FIXED_RANGES = {
    "sigmoid": (0.0, 255 / 256),
    "softmax": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}


def rounded_nodes(spec: GraphSpec) -> Iterator[str]:
    """Yields the nodes whose outputs an int8 graph holds in a scale of their own.

    Args:
        spec: A graph as `preparing.prepared` makes it.
    """
    readers = _readers(spec)
    inputs = {entry.name for entry in spec.inputs}
    for node in spec.nodes:
        reads_input = any(each.node in inputs for call in node.calls for each in call.inputs)
        if node.class_name == "Identity" and reads_input:
            yield node.name
        elif node.class_name not in _PASSED_ON | _CONDITIONS and activation_name(node) != "linear":
            fused = (_is_fused(node, readers[node.name, call]) for call in range(len(node.calls)))
            if not all(fused):
                yield node.name


def fixed_range(node: Node) -> tuple[float, float] | None:
    """The range of the node's output, where TFLite does not ask the data for it."""
    return _FIXED_RANGES.get(activation_name(node) or "")


def activation_name(node: Node) -> str | None:
    """The activation that a node computes, or None if it computes something else."""
    if node.class_name == "Activation":
        return str(node.config["activation"])
    if node.class_name == "ReLU":
        bent = node.config.get("negative_slope") or node.config.get("threshold")
        return None if bent else {None: "relu", 6: "relu6"}.get(node.config.get("max_value"))
    return node.class_name.lower() if node.class_name in _ACTIVATION_CLASSES else None


def _is_fused(node: Node, readers: list[Node | None]) -> bool:
    if node.class_name not in _CAN_FUSE or len(readers) != 1 or readers[0] is None:
        return False
    return activation_name(readers[0]) in _FUSED_ACTIVATIONS


def _readers(spec: GraphSpec) -> defaultdict[tuple[str, int], list[Node | None]]:
    """What reads the outputs of every call; None stands for the graph's output."""
    readers: defaultdict[tuple[str, int], list[Node | None]] = defaultdict(list)
    for node in spec.nodes:
        for call in node.calls:
            for reference in call.inputs:
                readers[reference.node, reference.call].append(node)
    for reference in spec.outputs:
        readers[reference.node, reference.call].append(None)
    return readers
