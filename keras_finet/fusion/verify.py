"""Proof that a fused model computes what the original computes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_finet.fusion.plan import FusionPlan, plan_fusion
from keras_finet.graph import as_functional, copy_model, layers_inside
from keras_finet.table import text_table

# Rounding of the original's own arithmetic, by the coarsest compute dtype in it.
TOLERANCES = {"bfloat16": 1e-1, "float16": 2e-2, "float32": 1e-4, "float64": 1e-4}
LAYER_SAMPLES = 4
BATCH_SIZE = 32
UNKNOWN_SIDE = 64

Array = NDArray[Any]


@dataclass(frozen=True)
class FusionReport:
    """How far a fused model is from its original; `print` shows it as a table.

    Attributes:
        max_abs_error: Largest absolute difference of any output.
        relative_error: Largest difference of any output, as a part of that output's largest
            absolute value.
        top1_agreement: Part of the samples on which both models' outputs have their largest value
            at the same place; the least over several outputs, None without an output of rank 2.
        diverging_layer: Name of the first layer, in the order of the graph, whose output differs
            by more than `tolerance` of its largest absolute value, or None.
        diverging_error: That layer's relative error, or None.
        tolerance: The largest relative error that passes.
        samples: Number of inputs compared.
        passed: Whether every output and every layer is within `tolerance`.
    """

    max_abs_error: float
    relative_error: float
    top1_agreement: float | None
    diverging_layer: str | None
    diverging_error: float | None
    tolerance: float
    samples: int

    @property
    def passed(self) -> bool:
        """Whether every output and every layer is within the tolerance; NaN never is."""
        return self.relative_error <= self.tolerance and self.diverging_layer is None

    def __str__(self) -> str:
        layer = self.diverging_layer
        agreement = self.top1_agreement
        rows = [
            ("largest absolute error", f"{self.max_abs_error:.2e}"),
            ("relative to the output's scale", f"{self.relative_error:.2e}"),
            ("tolerance", f"{self.tolerance:.0e}"),
            ("top-1 agreement", "-" if agreement is None else f"{agreement:.4f}"),
            ("first diverging layer", f"{layer} ({self.diverging_error:.2e})" if layer else "none"),
        ]
        verdict = "passed" if self.passed else "FAILED"
        return text_table(f"Fusion {verdict} on {self.samples} samples", ("figure", "value"), rows)


def verify_fusion(
    model: keras.Model,
    fused: keras.Model,
    inputs: Any = None,
    *,
    tolerance: float | None = None,
) -> FusionReport:
    """Compares a fused model with its original, at the outputs and layer by layer.

    Args:
        model: The model that was fused.
        fused: What `fuse` made of it.
        inputs: A batch of inputs, as the model takes them. Defaults to seeded random ones (normal,
            64 pixels where a side is unknown).
        tolerance: Largest error, relative to an output's largest absolute value, that passes.
            Defaults to 1e-4 for a float32 model, and to what a mixed-precision model's own rounding
            makes of the comparison with a float32 one (float16 2e-2, bfloat16 1e-1).

    Returns:
        A `FusionReport`; `print` it, or read `passed`. The layers are compared on the first
        four samples.

    Raises:
        ValueError: if `inputs` hold no samples, or the models' outputs do not fit each other.
    """
    inputs = _random_inputs(model) if inputs is None else _checked(inputs)
    if tolerance is None:
        tolerance = _default_tolerance(model)
    expected, actual = _outputs(model, inputs), _outputs(fused, inputs)
    shapes = [array.shape for array in expected], [array.shape for array in actual]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"Expected the fused model to have the outputs of {model.name!r}, of shapes "
            f"{shapes[0]}. Received: {fused.name!r} with {shapes[1]}. Fuse this very model."
        )
    layer, layer_error = _first_divergence(model, fused, inputs, tolerance)
    pairs = list(zip(expected, actual, strict=True))
    agreements = [_agreement(*pair) for pair in pairs if pair[0].ndim == 2]
    return FusionReport(
        # NumPy's maximum, because Python's may pass over a NaN.
        max_abs_error=float(np.max([np.max(np.abs(a - b)) for a, b in pairs])),
        relative_error=float(np.max([_relative_error(*pair) for pair in pairs])),
        top1_agreement=min(agreements, default=None),
        diverging_layer=layer,
        diverging_error=layer_error,
        tolerance=tolerance,
        samples=len(expected[0]),
    )


def _checked(inputs: Any) -> Any:
    leaves = keras.tree.flatten(inputs)
    sizes = {leaf.shape[0] if getattr(leaf, "shape", ()) else 0 for leaf in leaves}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            "Expected `inputs` to be arrays with at least one sample, all with as many. Received: "
            f"{[getattr(leaf, 'shape', type(leaf).__name__) for leaf in leaves]}"
        )
    return inputs


def _outputs(model: keras.Model, inputs: Any) -> list[Array]:
    """Runs `model` batch by batch; returns its flattened outputs as float32 arrays."""
    count = len(keras.tree.flatten(inputs)[0])
    size = as_functional(model).inputs[0].shape[0] or BATCH_SIZE
    batches = [_run(model, _slice(inputs, start, start + size)) for start in range(0, count, size)]
    return [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]


def _run(model: keras.Model, inputs: Any) -> list[Array]:
    outputs = keras.tree.flatten(model(inputs, training=False))
    return [ops.convert_to_numpy(ops.cast(output, "float32")) for output in outputs]


def _slice(inputs: Any, start: int, stop: int) -> Any:
    return keras.tree.map_structure(lambda array: array[start:stop], inputs)


def _relative_error(expected: Array, actual: Array) -> float:
    error = float(np.max(np.abs(expected - actual)))
    scale = float(np.max(np.abs(expected)))
    return error / scale if scale else error


def _agreement(expected: Array, actual: Array) -> float:
    return float(np.mean(expected.argmax(axis=-1) == actual.argmax(axis=-1)))


def _default_tolerance(model: keras.Model) -> float:
    dtypes = {layer.compute_dtype for layer in layers_inside(model)}
    return max(TOLERANCES[dtype] for dtype in {"float32", *(dtypes & TOLERANCES.keys())})


def _random_inputs(model: keras.Model) -> Any:
    rng = np.random.default_rng(0)

    def random(tensor: Any) -> Array:
        batch, *sides = tensor.shape
        shape = (batch or LAYER_SAMPLES, *(side or UNKNOWN_SIDE for side in sides))
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        values = rng.normal(size=shape) if "float" in dtype else rng.integers(0, 2, size=shape)
        return values.astype(dtype)

    return keras.tree.map_structure(random, as_functional(model).input)


def _first_divergence(
    model: keras.Model, fused: keras.Model, inputs: Any, tolerance: float
) -> tuple[str | None, float | None]:
    """Returns the first layer whose output differs by more than `tolerance`, and its error."""
    few = _slice(inputs, 0, as_functional(model).inputs[0].shape[0] or LAYER_SAMPLES)
    expected, actual = _layer_outputs(model, few), _layer_outputs(fused, few)
    plan = plan_fusion(model)
    for original, name in _counterparts(plan, expected, actual):
        error = _relative_error(expected[original], actual[name])
        # Written so that NaN diverges.
        if not error <= tolerance:
            return name, error
    return None, None


def _counterparts(
    plan: FusionPlan, originals: Collection[str], fused: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yields, in the order of the fused graph, layers of both models that have equal outputs."""
    for name in fused:
        folded = [layer for layer in plan.chains.get(name, []) if layer not in fused]
        counterpart = folded[-1] if folded else name
        if counterpart in originals and name not in plan.shifted:
            yield counterpart, name


def _layer_outputs(model: keras.Model, inputs: Any) -> dict[str, Array]:
    """Returns what every layer gives in its first call, by name, in the graph's order."""
    tensors: dict[str, Any] = {}

    def record(operation: Any, outputs: Any) -> None:
        for index, tensor in enumerate(keras.tree.flatten(outputs)):
            name = f"{operation.name}[{index}]" if keras.tree.is_nested(outputs) else operation.name
            tensors.setdefault(name, tensor)

    # A copy, because in the original a layer's first call may belong to another model.
    copy = copy_model(model, on_call=record)
    return dict(
        zip(tensors, _run(keras.Model(copy.input, list(tensors.values())), inputs), strict=True)
    )
