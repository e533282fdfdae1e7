"""Runs a .tflite file on the GPU alone and compares it with the processor."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tflite_tools.datasets import load_labelled
from tflite_tools.errors import ToolError
from tflite_tools.gpu import child
from tflite_tools.gpu.drivers import Driver, find_driver
from tflite_tools.gpu.records import GpuRecord
from tflite_tools.interpreter import LiteModel
from tflite_tools.samples import FloatArray
from tflite_tools.scoring import scored
from tflite_tools.trial import check_runs
from tflite_tools.worker import WorkerError, run_in_worker

_RANDOM_SAMPLES = 8
_UNSUPPORTED = "Following operations are not supported by GPU delegate:\n"
_ADAPTER = re.compile(r"Selected adapter: (.*?), arch=.*adapterType=(.*)")
_FATAL = re.compile(r"^F\d{4} .*?\] (.*)$", re.MULTILINE)
_NO_ADAPTER = "No adapters found"


def run_on_gpu(
    path: str | os.PathLike[str],
    samples: Any = None,
    *,
    limit: int = 16,
    preprocessing: str = "torch",
    runs: int = 20,
) -> GpuRecord:
    """Runs a .tflite file on the GPU alone; not one operator falls back to the processor.

    The GPU is that of LiteRT's `CompiledModel`, through Vulkan. It is a newer program than the
    delegate that phones have had: a second opinion, no proof.

    Args:
        path: A .tflite file with one input and one output.
        samples: An array `(N, …)`, or any source of samples that `evaluate` takes; None for 8
            samples of a standard normal distribution.
        limit: At most so many samples of a source.
        preprocessing: "torch", "tf", "unit" or "none", for images.
        runs: How many runs to time.

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
    if samples is None:
        given = _random(model)
    else:
        given = load_labelled(
            samples,
            model.sample_shape,
            what="samples",
            limit=limit,
            preprocessing=preprocessing,
            labels="ignored",
        ).samples
    on_cpu = model.predict(given)
    result, log = _in_worker(model.path, given, runs, driver)
    device, software = _adapter(log)
    times = np.array(result["times_ms"])
    return GpuRecord(
        file=model.path,
        device=device,
        software=software,
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


def _random(model: LiteModel) -> FloatArray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((_RANDOM_SAMPLES, *model.sample_shape)).astype(np.float32)


def _in_worker(
    path: Path, samples: FloatArray, runs: int, driver: Driver
) -> tuple[dict[str, Any], str]:
    """What the run gave, and what LiteRT printed."""
    with tempfile.TemporaryDirectory(prefix="tflite-tools-") as folder:
        log = Path(folder) / "gpu.log"
        log.touch()
        arguments = {"path": str(path), "samples": samples, "runs": runs, "log": str(log)}
        # The GPU path looks for a folder of the session.
        env = {"XDG_RUNTIME_DIR": folder, **driver.environment}
        try:
            result = run_in_worker(child.run, arguments, env=env)
        except ToolError as error:
            _refuse(path, error, log.read_text(errors="replace"), driver)
        return result, log.read_text(errors="replace")


def _refuse(path: Path, error: ToolError, log: str, driver: Driver) -> NoReturn:
    if _NO_ADAPTER in log:
        raise ToolError(
            f"LiteRT finds no GPU in the Vulkan driver {driver.name}. Name another driver's file "
            "in VK_DRIVER_FILES."
        ) from error
    if _UNSUPPORTED in log:
        raise ToolError(f"{path}: the GPU does not take {_unsupported(log)}.") from error
    fatal = _FATAL.findall(log)
    if isinstance(error, WorkerError):
        said = fatal[-1] if fatal else error.signal.name if error.signal else "no reason given"
        raise ToolError(f"{path}: LiteRT's GPU path ends its process: {said}") from error
    said = " ".join(line.strip("└ ") for line in str(error).splitlines()[1:])
    raise ToolError(f"{path}: LiteRT's GPU path fails: {said or error}") from error


def _unsupported(log: str) -> str:
    """The operators that are not taken, each reason once, without the tensors' names."""
    lines = log.split(_UNSUPPORTED, 1)[1].splitlines()
    reasons = []
    for line in lines:
        if ": " not in line or line.startswith(("INFO", "I0", "ERROR")):
            break
        op, _, said = line.partition(": ")
        reasons.append(f"{op} ({said.split('. ')[0].rstrip('.')})")
    return ", ".join(dict.fromkeys(reasons)) or "an operator of it"


def _adapter(log: str) -> tuple[str, bool]:
    found = _ADAPTER.search(log)
    return (found[1], "Software" in found[2]) if found else ("unknown", False)
