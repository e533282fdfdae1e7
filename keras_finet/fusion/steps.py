"""Layers whose outputs jump, such as binary activations: rounding turns some of their values."""

import numpy as np
from keras import ops

from keras_finet.fusion.observing import Array, Observed
from keras_finet.graph import Operation, has_graph
from keras_finet.layers import RSign

_JUMPS = {"Ceil", "Floor", "Round", "Sign", "Trunc"}
_COMPARISONS = {"Greater", "GreaterEqual", "Less", "LessEqual"}
_BESIDE_JUMPS = {"InputLayer", "Where", "Cast"}


def find_steps(original: Observed, fused: Observed) -> dict[str, str]:
    """Finds the steps that both models have, and what they read in the fused one, by name.

    They are functions of one tensor, element by element, that nowhere fall or nowhere rise.
    """
    found = {}
    for name, operation in fused.graph.operations.items():
        calls = fused.graph.calls_of(name)
        if not _is_step(operation) or len(calls) != 1 or len(calls[0].inputs) != 1:
            continue
        (read,) = calls[0].inputs
        names = {name, read.layer}
        if read.call == 0 and names <= fused.layers.keys() and name in original.layers:
            found[name] = read.layer
    return found


def _is_step(operation: Operation) -> bool:
    if isinstance(operation, RSign):
        return True
    if not has_graph(operation):
        return type(operation).__name__ in _JUMPS
    # What `fuse` makes of an RSign.
    kinds = {type(each).__name__ for each in operation.operations}
    jumps = _JUMPS | _COMPARISONS
    return bool(kinds & jumps) and kinds <= jumps | _BESIDE_JUMPS


def step_error(step: Operation, read: Array, given: Array, tolerance: float) -> float:
    """Returns how far a step's values are from what it gives near its input, relative to them.

    Args:
        step: The layer.
        read: What it reads in the fused model.
        given: What it gives in the original.
        tolerance: How near, as a part of the input's largest absolute value.
    """
    reach = tolerance * np.max(np.abs(read))
    near = [step_values(step, read + sign * reach) for sign in (-1, 0, 1)]
    # NumPy's minimum and maximum keep a NaN.
    beyond = np.maximum(np.min(near, axis=0) - given, given - np.max(near, axis=0))
    error, scale = float(np.max(np.maximum(beyond, 0.0))), float(np.max(np.abs(given)))
    return error / scale if scale else error


def step_values(step: Operation, read: Array) -> Array:
    """Returns what a step gives."""
    values: Array = ops.convert_to_numpy(ops.cast(step(ops.convert_to_tensor(read)), "float32"))
    return values
