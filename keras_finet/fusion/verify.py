"""Proof that a fused model computes what the original computes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_finet.fusion.comparison import Comparison, relative_error_between
from keras_finet.fusion.observing import Array, run
from keras_finet.graph import as_functional, layers_inside
from keras_finet.table import text_table

# Rounding of the original's own arithmetic, by the coarsest compute dtype in it.
TOLERANCES = {"bfloat16": 1e-1, "float16": 2e-2, "float32": 1e-4, "float64": 1e-4}
LAYER_SAMPLES = 4
BATCH_SIZE = 32
UNKNOWN_SIDE = 64


@dataclass(frozen=True)
class FusionReport:
    """How far a fused model is from its original; `print` shows it as a table.

    Rounding turns around what stands at a step, such as a zero before a binary activation, and in
    later layers that turns others. So behind every step both models go on with the original's
    values, in all figures but the top-1 agreement; at the step, a value may be another only where
    an input within `tolerance` of the fused model's has the original's value.

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
        turned: Part of the values behind steps, such as binary activations, that rounding turns
            around; None for a model without steps.
        passed: Whether every output and every layer is within `tolerance`.
    """

    max_abs_error: float
    relative_error: float
    top1_agreement: float | None
    diverging_layer: str | None
    diverging_error: float | None
    tolerance: float
    samples: int
    turned: float | None = None

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
        if self.turned is not None:
            rows.append(("turned around by rounding", f"{self.turned:.1e} of values behind steps"))
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
    ours, theirs = _outputs(model, inputs), _outputs(fused, inputs)
    shapes = [array.shape for array in ours], [array.shape for array in theirs]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"Expected the fused model to have the outputs of {model.name!r}, of shapes "
            f"{shapes[0]}. Received: {fused.name!r} with {shapes[1]}. Fuse this very model."
        )
    comparison = Comparison(model, fused, tolerance)
    layer, layer_error = comparison.first_divergence(
        _slice(inputs, 0, _batch(model, LAYER_SAMPLES))
    )
    pairs, turned = list(zip(ours, theirs, strict=True)), None
    agreements = [_agreement(*pair) for pair in pairs if pair[0].ndim == 2]
    if comparison.steps:
        behind = comparison.behind_steps(_batches(model, inputs))
        pairs, turned = behind.outputs, behind.turned
        if layer is None:
            layer, layer_error = behind.diverging
    return FusionReport(
        # NumPy's maximum, because Python's may pass over a NaN.
        max_abs_error=float(np.max([np.max(np.abs(a - b)) for a, b in pairs])),
        relative_error=float(np.max([relative_error_between(*pair) for pair in pairs])),
        top1_agreement=min(agreements, default=None),
        diverging_layer=layer,
        diverging_error=layer_error,
        tolerance=tolerance,
        samples=len(ours[0]),
        turned=turned,
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
    batches = [run(model, batch) for batch in _batches(model, inputs)]
    return [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]


def _batches(model: keras.Model, inputs: Any) -> Iterator[Any]:
    count = len(keras.tree.flatten(inputs)[0])
    size = _batch(model, BATCH_SIZE)
    return (_slice(inputs, start, start + size) for start in range(0, count, size))


def _batch(model: keras.Model, size: int) -> int:
    """The batch size that a model wants, or `size`."""
    return as_functional(model).inputs[0].shape[0] or size


def _slice(inputs: Any, start: int, stop: int) -> Any:
    return keras.tree.map_structure(lambda array: array[start:stop], inputs)


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
