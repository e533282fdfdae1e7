"""A converted model → a checked .tflite file that says what it is and where it comes from."""

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.behind_steps import STEPS, error_behind_steps
from tflite_tools.errors import ToolError
from tflite_tools.evaluation import evaluate_models
from tflite_tools.flatbuffer import custom_ops, op_histogram
from tflite_tools.interpreter import LiteModel
from tflite_tools.metadata import ModelMetadata, write_metadata
from tflite_tools.one_bit import one_bit_record
from tflite_tools.output_folder import whole_file
from tflite_tools.provenance import BUFFER_NAME, encoded, provenance, sidecar, sidecar_path
from tflite_tools.quantize import check_integer_only, check_requantization
from tflite_tools.records import ConversionRecord, EvaluationRecord
from tflite_tools.samples import FloatArray

# Rounding stays far below these shares of the largest output; another function does not. What
# int8 costs depends on the model and its data: the report shows it.
_LARGEST_ERRORS = {"float32": 1e-3, "float16": 5e-2}


@dataclass(frozen=True)
class Origin:
    """What the files of one conversion have in common: `provenance` describes the parts.

    Attributes:
        created: When.
        source: The model.
        recipe: The options of the conversion.
        calibration: What int8 was calibrated on; None without it.
        verified_on: Which samples the files are compared with the Keras model on.
    """

    created: str
    source: dict[str, Any]
    recipe: dict[str, Any]
    calibration: dict[str, Any] | None
    verified_on: str

    def record(self, precision: str, evaluation: EvaluationRecord) -> dict[str, Any]:
        """The record of the file of one precision."""
        figures = {
            key: value
            for key, value in asdict(evaluation).items()
            if isinstance(value, int | float)
        }
        return provenance(
            created=self.created,
            source=self.source,
            recipe={**self.recipe, "precision": precision},
            calibration=self.calibration if precision == "int8" else None,
            verification={"on": self.verified_on, "passed": True, **figures},
        )


def checked_file(
    final: Path,
    precision: str,
    content: bytes,
    samples: FloatArray,
    reference: FloatArray,
    *,
    metadata: ModelMetadata,
    origin: Origin,
    float32: Callable[[], bytes] | None = None,
) -> ConversionRecord:
    """Writes a converted model, with what it says of itself, if it is sound.

    Args:
        final: The name that it gets; the record of its origin gets that name and `.json`.
        precision: What it was converted to.
        content: What the converter made.
        samples: What to compare it with the Keras model on.
        reference: The outputs of the Keras model.
        metadata: Its TFLite metadata.
        origin: Where it comes from.
        float32: Makes the float32 file of the same network, for float16 only.
    """
    ops = op_histogram(content)
    if custom := custom_ops(ops):
        raise ToolError(
            f"{final.name}: needs operators that are not built into TFLite: {', '.join(custom)}. "
            "Replace the Keras layers that make them."
        )
    if precision == "int8":
        check_integer_only(content, final.name)
        check_requantization(content, final.name)
    with contextlib.ExitStack() as stack:
        beside = stack.enter_context(whole_file(sidecar_path(final)))
        temporary = stack.enter_context(whole_file(final))
        temporary.write_bytes(content)
        evaluation = _evaluated(temporary, final, samples, reference)
        error = evaluation.max_abs_error
        bound = _LARGEST_ERRORS.get(precision)
        if _is_off(error, bound, reference) and not STEPS.isdisjoint(ops):
            bound = _LARGEST_ERRORS["float32"]
            error = error_behind_steps(content, samples, reference, float32=float32)
        if _is_off(error, bound, reference):
            raise _other_function(final.name, bound, error, reference)
        record = origin.record(precision, evaluation)
        described = write_metadata(content, metadata, **{BUFFER_NAME: encoded(record)})
        outputs = LiteModel(temporary).predict(samples[:1])
        temporary.write_bytes(described)
        if not np.array_equal(LiteModel(temporary).predict(samples[:1]), outputs):
            raise ToolError(f"{final.name}: its outputs changed when its metadata were added.")
        beside.write_text(sidecar(record, final, described), encoding="utf-8")
    return ConversionRecord(
        final, precision, len(described), ops, evaluation, one_bit_record(content)
    )


def _evaluated(
    temporary: Path, final: Path, samples: FloatArray, reference: FloatArray
) -> EvaluationRecord:
    try:
        model = LiteModel(temporary)
        report = evaluate_models([model], samples, reference_outputs=reference)
    except ToolError as error:
        # The temporary name is gone when the user reads this.
        raise ToolError(str(error).replace(str(temporary), str(final))) from error
    return replace(report.records[0], file=final)


def _is_off(error: float | None, bound: float | None, reference: FloatArray) -> bool:
    """Tells whether an error is more than rounding makes; written so that NaN is."""
    if bound is None or error is None:
        return False
    return not error <= bound * float(np.abs(reference).max())


def _other_function(
    name: str, bound: float | None, error: float | None, reference: FloatArray
) -> ToolError:
    return ToolError(
        f"{name}: expected outputs within {bound:g} of the largest that the Keras model answers, "
        f"{np.abs(reference).max():.3g}, got a difference of {error:.3g}. The file does not "
        "compute the model's function and is not kept. Check the fusion with "
        "keras_finet.verify_fusion, and the model's own call for what its layers do not do."
    )
