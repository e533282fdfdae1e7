"""Runs a .tflite file on the GPU alone and compares it with the processor."""

import os
from typing import Any

import numpy as np

from tflite_tools.datasets import load_labelled
from tflite_tools.errors import ToolError
from tflite_tools.feeding import Feeding, common_feeding
from tflite_tools.gpu import child
from tflite_tools.gpu.drivers import find_driver
from tflite_tools.gpu.executing import execute
from tflite_tools.gpu.records import GpuRecord
from tflite_tools.interpreter import LiteModel
from tflite_tools.prediction import predict
from tflite_tools.progress import Progress, counter
from tflite_tools.samples import FloatArray, as_float32
from tflite_tools.scoring import scored
from tflite_tools.trial import check_runs

_RANDOM_SAMPLES = 8


def run_on_gpu(
    path: str | os.PathLike[str],
    samples: Any = None,
    *,
    limit: int = 16,
    preprocessing: str | None = None,
    runs: int = 20,
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
        progress: Called with the file, how many runs of it are done, and how many there are.

    Returns:
        A `GpuRecord`.

    Raises:
        ToolError: There is no driver, the GPU does not take the file, or it fails on it.
    """
    if runs < 1:
        raise ToolError(f"runs: expected 1 or more, got {runs}.")
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
    result = executed.result
    times = np.array(result["times_ms"])
    return GpuRecord(
        file=model.path,
        device=executed.device,
        software=executed.software,
        comparison=scored(
            model.path,
            result["outputs"],
            output_step=model.output_step,
            labels=None,
            reference=on_cpu,
        ),
        largest_output=float(np.abs(on_cpu).max()),
        compile_ms=result["compile_ms"],
        first_ms=result["first_ms"],
        runs=runs,
        median_ms=float(np.median(times)),
        p95_ms=float(np.percentile(times, 95)),
    )


def _random(model: LiteModel, feeding: Feeding) -> FloatArray:
    rng, shape = np.random.default_rng(0), (_RANDOM_SAMPLES, *model.sample_shape)
    if feeding.included:
        return rng.integers(0, 256, shape).astype(np.float32)
    return rng.standard_normal(shape).astype(np.float32)
