"""Runs a .tflite file for an evaluation: on the CPU, or on an accelerator and on the CPU."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.gpu import Driver, GpuOutputs, find_driver, predict_on_gpu
from tflite_tools.interpreter import LiteModel
from tflite_tools.prediction import Prepare, predict
from tflite_tools.progress import Progress, counter
from tflite_tools.records import DeviceRecord
from tflite_tools.samples import AnyArray, FloatArray, as_float32
from tflite_tools.scoring import scored

DELEGATES = ("cpu", "gpu")


@dataclass(frozen=True)
class Ran:
    """What a file computed.

    Attributes:
        outputs: A row for each sample.
        accelerator: Where, if not on the CPU.
    """

    outputs: FloatArray
    accelerator: DeviceRecord | None = None


Runner = Callable[[LiteModel, AnyArray, Prepare | None, Progress | None], Ran]


def runner_for(delegate: Any, *, workers: int | None = None) -> Runner:
    """What runs files on a delegate.

    It is called with a file, samples, what they have to undergo first, and what to tell of the
    progress.

    Args:
        delegate: "cpu" or "gpu".
        workers: How many interpreters share the samples on the CPU; None for one on each core.

    Raises:
        ToolError: There is no such delegate, or no driver for it.
    """
    if delegate not in DELEGATES:
        raise ToolError(f"delegate: expected {' or '.join(DELEGATES)}, got {delegate!r}.")
    if delegate == "gpu":
        return _OnGpu(find_driver(), workers)
    return _OnCpu(workers)


@dataclass(frozen=True)
class _OnCpu:
    workers: int | None

    def __call__(
        self,
        model: LiteModel,
        samples: AnyArray,
        prepare: Prepare | None,
        progress: Progress | None,
    ) -> Ran:
        count = counter(progress, model.path, len(samples))
        return Ran(predict(model, samples, workers=self.workers, prepare=prepare, progress=count))


@dataclass(frozen=True)
class _OnGpu:
    """All samples on both, so that what the GPU does differently can be told from the file."""

    driver: Driver
    workers: int | None

    def __call__(
        self,
        model: LiteModel,
        samples: AnyArray,
        prepare: Prepare | None,
        progress: Progress | None,
    ) -> Ran:
        count = counter(progress, model.path, 2 * len(samples))
        fed = as_float32(model.checked(samples))
        if prepare is not None:
            fed = prepare(fed)
        # First what is refused at once.
        on_gpu = predict_on_gpu(model, fed, self.driver, progress=count)
        on_cpu = predict(model, fed, workers=self.workers, progress=count)
        return Ran(on_gpu.outputs, _compared(model, on_gpu, on_cpu))


def _compared(model: LiteModel, on_gpu: GpuOutputs, on_cpu: FloatArray) -> DeviceRecord:
    step = model.output_step
    difference = scored(model.path, on_gpu.outputs, output_step=step, labels=None, reference=on_cpu)
    assert difference.max_abs_error is not None  # there is a reference
    assert difference.mean_abs_error is not None
    return DeviceRecord(
        delegate="gpu",
        device=on_gpu.device,
        software=on_gpu.software,
        agreement=difference.agreement,
        max_abs_error=difference.max_abs_error,
        mean_abs_error=difference.mean_abs_error,
        largest_output=float(np.abs(on_cpu).max()),
    )
