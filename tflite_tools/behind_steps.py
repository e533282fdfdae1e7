"""Whether a float file with steps, as of binary activations, computes the model's function.

Behind a step rounding turns some values around, which in later layers turn others. In float32 that
happens to few samples; another function errs on all. float16 rounds the weights, which turns values
around on most samples, and the distance from the Keras model then tells nothing. What tells is the
float32 file with its constants rounded to float16: a right float16 file computes the same.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tflite_tools.float16 import with_float16_constants
from tflite_tools.interpreter import LiteModel
from tflite_tools.samples import FloatArray

# Operators whose outputs jump.
STEPS = frozenset({"CEIL", "FLOOR", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "SIGN"})
_UNTURNED_SAMPLES = 0.25


def error_behind_steps(
    content: bytes,
    samples: FloatArray,
    reference: FloatArray,
    *,
    float32: Callable[[], bytes] | None = None,
) -> float:
    """The error on those samples on which rounding alone has not made it.

    Of a float16 file it is the larger of two: the float32 file's, and the distance from that with
    rounded constants. What rounding them costs is not among them: the report shows it.

    Args:
        content: The file.
        samples: What to run it on.
        reference: The outputs of the Keras model.
        float32: For a float16 file; makes the float32 file of the same network.
    """
    outputs = _outputs(content, samples)
    if float32 is None:
        return _unturned_error(outputs, reference)
    exact = float32()
    rounded = _outputs(with_float16_constants(exact), samples)
    errors = (
        _unturned_error(_outputs(exact, samples), reference),
        _unturned_error(outputs, rounded),
    )
    # Unlike Python's, NumPy's maximum of NaN and a number is NaN.
    return float(np.max(errors))


def _unturned_error(outputs: FloatArray, reference: FloatArray) -> float:
    # Constants that float16 does not hold make infinite outputs.
    with np.errstate(invalid="ignore"):
        errors = np.abs(outputs - reference).reshape(len(outputs), -1).max(axis=1)
    return float(np.quantile(errors, _UNTURNED_SAMPLES, method="higher"))


def _outputs(content: bytes, samples: FloatArray) -> FloatArray:
    with tempfile.TemporaryDirectory(prefix="tflite-tools-") as folder:
        file = Path(folder) / "model.tflite"
        file.write_bytes(content)
        return LiteModel(file).predict(samples)
