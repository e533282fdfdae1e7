"""The samples of a conversion: what int8 is calibrated on, and what the files are verified on."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflite_tools.calibration import Calibration, load_calibration
from tflite_tools.datasets import LabelledSamples, load_labelled
from tflite_tools.feeding import Feeding
from tflite_tools.samples import FloatArray

_RANDOM_SAMPLES = 32


@dataclass(frozen=True)
class ConversionSamples:
    """The samples of a conversion, as the files are fed.

    Attributes:
        calibration: What int8 is calibrated on; None if nothing was given.
        compared: What the files are compared with the Keras model on.
        compared_on: What those are, for people.
    """

    calibration: Calibration | None
    compared: FloatArray
    compared_on: str


def load_conversion_samples(
    calibration: Any,
    inputs: Any,
    shape: Sequence[int],
    *,
    feeding: Feeding,
    split: str,
    skip_unreadable: bool,
    data_dir: str | os.PathLike[str] | None,
    limit: int | None,
    percentile: float | None,
    trained_range: tuple[float, float] | None,
) -> ConversionSamples:
    """Loads both sources; `convert` and `load_calibration` describe the arguments.

    Raises:
        ToolError: A source cannot be used; the message says why.
    """
    reading: dict[str, Any] = {
        "split": split,
        "preprocessing": feeding.of_images,
        "skip_unreadable": skip_unreadable,
        "data_dir": data_dir,
    }
    calibrated = given = None
    if calibration is not None:
        calibrated = load_calibration(
            calibration,
            shape,
            limit=limit,
            percentile=percentile,
            trained_range=trained_range,
            included=feeding.normalization(shape[-1]) if feeding.included else None,
            **reading,
        )
    if inputs is not None:
        given = load_labelled(inputs, shape, what="inputs", labels="ignored", **reading)
    compared, compared_on = _compared(given, calibrated, shape, feeding)
    return ConversionSamples(calibrated, compared, compared_on)


def _compared(
    given: LabelledSamples | None,
    calibrated: Calibration | None,
    shape: Sequence[int],
    feeding: Feeding,
) -> tuple[FloatArray, str]:
    if given is not None:
        left_out = f", {len(given.skipped)} unreadable images left out" if given.skipped else ""
        samples = feeding.checked(given.samples, what="inputs")
        return samples, f"the {len(samples)} given inputs{left_out}"
    if calibrated is not None:
        count = len(calibrated.samples)
        return calibrated.samples, f"the {count} calibration samples, as no inputs were given"
    random = np.random.default_rng(0)
    if feeding.included:
        noise = random.integers(0, 256, (_RANDOM_SAMPLES, *shape)).astype(np.float32)
        kind = "images (uniform"
    else:
        noise = random.standard_normal((_RANDOM_SAMPLES, *shape)).astype(np.float32)
        kind = "inputs (standard normal"
    return noise, f"{_RANDOM_SAMPLES} random {kind}, seed 0), as no inputs were given"
