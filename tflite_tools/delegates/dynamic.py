"""Finds tensors whose size is known only when the model runs: most delegates fail on any of them.

An operator makes one if what decides on its output's shape is computed. LiteRT computes some of it
beforehand: what follows from SHAPE, whose answer is known before the run.
Sources: google-ai-edge/LiteRT, tflite/core/subgraph.cc:2538-2556, and Prepare of each operator in
tflite/kernels.
"""

from collections.abc import Collection, Iterator

from tflite_tools.model_graph import ModelGraph, Operator

SOURCE = "tflite/core/subgraph.cc:2538-2556"
# The inputs that decide on the shape of the output.
_DECIDING = {
    "ARG_MAX": (1,),
    "ARG_MIN": (1,),
    "BATCH_TO_SPACE_ND": (1, 2),
    "BROADCAST_TO": (1,),
    "EXPAND_DIMS": (1,),
    "FILL": (0,),
    "MEAN": (1,),
    "MIRROR_PAD": (1,),
    "ONE_HOT": (1,),
    "PAD": (1,),
    "PADV2": (1,),
    "RANGE": (0, 1, 2),
    "REDUCE_MAX": (1,),
    "REDUCE_MIN": (1,),
    "REDUCE_PROD": (1,),
    "RESHAPE": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "SLICE": (1, 2),
    "SPACE_TO_BATCH_ND": (1, 2),
    "SPLIT": (0,),
    "SPLIT_V": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "SUM": (1,),
    "TILE": (1,),
    "TOPK_V2": (1,),
    "TRANSPOSE_CONV": (0,),
}
# What LiteRT computes before the run if all inputs are known.
_COMPUTED_BEFORE = ("CONCATENATION", "GATHER", "MUL", "REDUCE_PROD", "STRIDED_SLICE")


def makes_dynamic_tensor(graph: ModelGraph) -> Operator | None:
    """The first operator whose output has a size that is known only when it runs, or None."""
    known = {
        tensor.index
        for operator in graph.operators
        for tensor in operator.inputs
        if tensor is not None and tensor.constant
    }
    for operator in graph.operators:
        if any(index not in known for index in _deciding(operator)):
            return operator
        if operator.name == "SHAPE" or _is_computed_before(operator, known):
            known |= {tensor.index for tensor in operator.outputs}
    return None


def _deciding(operator: Operator) -> Iterator[int]:
    for place in _DECIDING.get(operator.name, ()):
        if place < len(operator.inputs) and (tensor := operator.inputs[place]) is not None:
            yield tensor.index


def _is_computed_before(operator: Operator, known: Collection[int]) -> bool:
    return operator.name in _COMPUTED_BEFORE and all(
        tensor is not None and tensor.index in known for tensor in operator.inputs
    )
