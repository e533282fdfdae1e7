"""A .tflite file over many samples on the GPU alone."""

from collections.abc import Callable
from dataclasses import dataclass

from tflite_tools.gpu import child
from tflite_tools.gpu.drivers import Driver
from tflite_tools.gpu.executing import execute
from tflite_tools.interpreter import LiteModel
from tflite_tools.samples import FloatArray


@dataclass(frozen=True)
class GpuOutputs:
    """What a file computed on a GPU.

    Attributes:
        outputs: A row for each sample.
        device: What LiteRT calls the GPU.
        software: Whether it is a program on the processor.
    """

    outputs: FloatArray
    device: str
    software: bool


def predict_on_gpu(
    model: LiteModel,
    samples: FloatArray,
    driver: Driver,
    *,
    progress: Callable[[int], None] | None = None,
) -> GpuOutputs:
    """Runs a file on the GPU alone, on any number of samples.

    Args:
        model: The file.
        samples: `(N, ...)` real values of the model's input shape, checked.
        driver: From `find_driver`.
        progress: Called with the number of samples that have been done since the last call.

    Raises:
        ToolError: The GPU does not take the file, or it fails on it.
    """
    executed = execute(child.predict, model.path, driver, samples=samples, progress=progress)
    return GpuOutputs(executed.result["outputs"], executed.device, executed.software)
