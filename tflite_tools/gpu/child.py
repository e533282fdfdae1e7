"""The part that runs in a process of its own: LiteRT's GPU path can end its process."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from tflite_tools.all_tensors import full_batches
from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel, dequantized, quantized
from tflite_tools.samples import AnyArray, FloatArray
from tflite_tools.worker import progress

_WARMUP = 3


def predict(path: str, samples: FloatArray, log: str) -> dict[str, Any]:
    """Compiles a file for the GPU alone, and runs it on all samples.

    Args:
        path: The .tflite file.
        samples: Float samples that fit the model.
        log: The file that gets what LiteRT prints, also if it ends the process.
    """
    _print_to(log)
    model = LiteModel(path)
    return {"outputs": _outputs(_Compiled(model), model, samples)}


def run(path: str, samples: FloatArray, runs: int, log: str) -> dict[str, Any]:
    """As `predict`, but also times runs on the first batch.

    Args:
        path: The .tflite file.
        samples: Float samples that fit the model.
        runs: How many runs to time.
        log: The file that gets what LiteRT prints, also if it ends the process.
    """
    _print_to(log)
    model = LiteModel(path)
    start = time.perf_counter_ns()
    gpu = _Compiled(model)
    compile_ms = _milliseconds(start)
    batch, _ = next(full_batches(samples, model.batch_size))
    times = []
    for index in range(1 + _WARMUP + runs):
        times.append(gpu.timed(batch))
        if index > _WARMUP:
            progress("1")
    return {
        "outputs": _outputs(gpu, model, samples),
        "compile_ms": compile_ms,
        "first_ms": times[0],
        "times_ms": times[1 + _WARMUP :],
    }


def _outputs(gpu: "_Compiled", model: LiteModel, samples: FloatArray) -> FloatArray:
    """A row for each sample; the parent is told of every batch."""
    rows = []
    for batch, count in full_batches(samples, model.batch_size):
        rows.append(gpu.predict(batch))
        progress(str(count))
    return np.concatenate(rows)[: len(samples)]


class _Compiled:
    def __init__(self, model: LiteModel) -> None:
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator

        # The GPU alone: with the processor as well, LiteRT calls a model accelerated of which it
        # ran nothing on the GPU.
        try:
            self._model = CompiledModel.from_file(
                str(model.path), hardware_accel=HardwareAccelerator.GPU
            )
        except RuntimeError as error:
            raise ToolError(str(error)) from error
        self._inputs = self._model.create_input_buffers(0)
        self._outputs = self._model.create_output_buffers(0)
        self._input, self._output = model.input_details, model.output_details

    def predict(self, batch: FloatArray) -> FloatArray:
        return dequantized(self._run(quantized(batch, self._input)), self._output)

    def timed(self, batch: FloatArray) -> float:
        """The milliseconds of a run, its input's writing and its output's reading included."""
        values = quantized(batch, self._input)
        start = time.perf_counter_ns()
        self._run(values)
        return _milliseconds(start)

    def _run(self, values: AnyArray) -> AnyArray:
        self._inputs[0].write(np.ascontiguousarray(values))
        self._model.run_by_index(0, self._inputs, self._outputs)
        shape = [int(side) for side in self._output["shape"]]
        return self._outputs[0].read(int(np.prod(shape)), self._output["dtype"]).reshape(shape)


def _milliseconds(start: int) -> float:
    return (time.perf_counter_ns() - start) / 1e6


def _print_to(log: str) -> None:
    """Sends what C++ code prints to a file that outlives the process."""
    with Path(log).open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
