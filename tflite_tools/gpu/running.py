"""Runs a .tflite file on the GPU alone and compares it with the processor."""

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.datasets import check_source, load_labelled
from tflite_tools.errors import ToolError
from tflite_tools.feeding import Feeding, common_feeding
from tflite_tools.gpu import child
from tflite_tools.gpu.drivers import find_driver
from tflite_tools.gpu.executing import Executed, execute
from tflite_tools.gpu.records import GpuFailure, GpuRecord
from tflite_tools.gpu.report import GpuReport
from tflite_tools.interpreter import LiteModel
from tflite_tools.prediction import predict
from tflite_tools.progress import Progress, counter
from tflite_tools.samples import FloatArray, as_float32
from tflite_tools.scoring import scored
from tflite_tools.trial import check_runs

_RANDOM_SAMPLES = 8
# GPUs may compute in float16, whose rounding of 5e-4 adds up over the layers.
_TOLERANCE = 0.01
# An int8 file goes through floats on the GPU, so that each of its layers may round otherwise.
_ALLOWED_STEPS = 3.0


def run_on_gpu(
    path: str | os.PathLike[str],
    samples: Any = None,
    *,
    limit: int = 16,
    preprocessing: str | None = None,
    runs: int = 20,
    tolerance: float = _TOLERANCE,
    progress: Progress | None = None,
) -> GpuRecord:
    """Runs a .tflite file on the GPU alone; not one operator falls back to the processor.

    The GPU is that of LiteRT's `CompiledModel`, through Vulkan. It is a newer program than the
    delegate that phones have had: a second opinion, no proof.

    Args:
        path: A .tflite file with one input and one output.
        samples: An array `(N, …)`, or any source of samples that `evaluate_files` takes; None for
            8 samples of a standard normal distribution, or of random pixels if it takes pixels.
        limit: At most so many samples of a source.
        preprocessing: "torch", "tf", "unit" or "none", for images; by default what the file says,
            and "torch" where it says nothing.
        runs: How many runs to time.
        tolerance: How far an output may be from the processor's, as a share of its largest
            absolute output. Three quantisation steps of the output are always allowed.
        progress: Called with the file, how many runs of it are done, and how many there are.

    Returns:
        A `GpuRecord`.

    Raises:
        ToolError: There is no driver, the GPU does not take the file, or it fails on it.
    """
    _check(samples, limit, preprocessing, runs, tolerance)
    driver = find_driver()
    check_runs(path)
    model = LiteModel(path)
    feeding = common_feeding({model.path: model.content}, preprocessing)
    if samples is None:
        given = _random(model, feeding)
    else:
        loaded = load_labelled(
            samples,
            model.sample_shape,
            what="samples",
            limit=limit,
            preprocessing=feeding.of_images,
            labels="ignored",
        )
        given = as_float32(feeding.checked(loaded.samples, what="samples"))
    count = counter(progress, model.path, runs + 2 * len(given))
    executed = execute(child.run, model.path, driver, samples=given, runs=runs, progress=count)
    on_cpu = predict(model, given, workers=1, progress=count)
    return record_of(model, executed, on_cpu, tolerance)


def run_files_on_gpu(
    files: Iterable[str | os.PathLike[str]],
    samples: Any = None,
    *,
    limit: int = 16,
    preprocessing: str | None = None,
    runs: int = 20,
    tolerance: float = _TOLERANCE,
    progress: Progress | None = None,
) -> GpuReport:
    """Runs several files, one after the other; one that fails does not keep others from it.

    Args:
        files: The .tflite files.
        samples: As for `run_on_gpu`, like all that follows.
        limit: At most so many samples.
        preprocessing: For images.
        runs: How many runs to time.
        tolerance: How far an output may be from the processor's.
        progress: What to tell of the progress.

    Returns:
        A `GpuReport` with a record for each file, or why there is none.

    Raises:
        ToolError: What concerns all files cannot be used: there is no driver, or an argument is
            wrong.
    """
    _check(samples, limit, preprocessing, runs, tolerance)
    find_driver()
    records, failures = [], []
    for file in files:
        try:
            record = run_on_gpu(
                file,
                samples,
                limit=limit,
                preprocessing=preprocessing,
                runs=runs,
                tolerance=tolerance,
                progress=progress,
            )
        except ToolError as error:
            failures.append(GpuFailure(Path(file), str(error)))
        else:
            records.append(record)
    return GpuReport(tuple(records), tuple(failures))


def _check(
    samples: Any, limit: int, preprocessing: str | None, runs: int, tolerance: float
) -> None:
    """Refuses what is wrong for any file."""
    if runs < 1:
        raise ToolError(f"runs: expected 1 or more, got {runs}.")
    if limit < 1:
        raise ToolError(f"limit: expected 1 or more, got {limit}.")
    if not 0 <= tolerance < math.inf:
        raise ToolError(f"tolerance: expected 0 or more, such as 0.01, got {tolerance}.")
    if samples is not None:
        as_said = "torch" if preprocessing is None else preprocessing
        check_source(samples, what="samples", limit=limit, preprocessing=as_said)


def record_of(
    model: LiteModel, executed: Executed, on_cpu: FloatArray, tolerance: float
) -> GpuRecord:
    """What ran on the GPU, held against the processor's outputs."""
    result, step = executed.result, model.output_step
    times = np.array(result["times_ms"])
    comparison = scored(
        model.path, result["outputs"], output_step=step, labels=None, reference=on_cpu
    )
    assert comparison.max_abs_error is not None  # there is a reference
    largest = float(np.abs(on_cpu).max())
    allowed = max(tolerance * largest, _ALLOWED_STEPS * step)
    return GpuRecord(
        file=model.path,
        device=executed.device,
        software=executed.software,
        comparison=comparison,
        largest_output=largest,
        tolerance=tolerance,
        allowed_error=allowed,
        passed=comparison.max_abs_error <= allowed,
        compile_ms=result["compile_ms"],
        first_ms=result["first_ms"],
        runs=len(times),
        median_ms=float(np.median(times)),
        p95_ms=float(np.percentile(times, 95)),
    )


def _random(model: LiteModel, feeding: Feeding) -> FloatArray:
    rng, shape = np.random.default_rng(0), (_RANDOM_SAMPLES, *model.sample_shape)
    if feeding.included:
        return rng.integers(0, 256, shape).astype(np.float32)
    return rng.standard_normal(shape).astype(np.float32)
