"""Runs .tflite files in the LiteRT interpreter on whole arrays of float samples."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray, checked_samples

AnyArray = np.ndarray[Any, np.dtype[Any]]


class LiteModel:
    """A .tflite file with one input and one output, ready to run.

    Quantised inputs and outputs are converted with the scale and zero point that the file gives
    for them, so that callers see float32 whatever the precision.

    Args:
        path: The .tflite file.
        num_threads: How many threads the interpreter may use.
    """

    def __init__(self, path: str | os.PathLike[str], *, num_threads: int = 1) -> None:
        self.path = Path(path)
        self._interpreter = _interpreter(self.path, num_threads)
        self._input = self._only(self._interpreter.get_input_details(), "input")
        self._output = self._only(self._interpreter.get_output_details(), "output")
        self.batch_size, *sample_shape = (int(side) for side in self._input["shape"])
        self.sample_shape = tuple(sample_shape)

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The type of the input tensor in the file."""
        return np.dtype(self._input["dtype"])

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """The type of the output tensor in the file."""
        return np.dtype(self._output["dtype"])

    def predict(self, samples: Any) -> FloatArray:
        """Runs the model on any number of samples and returns one output row for each."""
        array = checked_samples(samples, self.sample_shape, what=f"inputs of {self.path.name}")
        rows = []
        for start in range(0, len(array), self.batch_size):
            batch = array[start : start + self.batch_size]
            self.load(padded(batch, self.batch_size))
            self.invoke()
            rows.append(self.output()[: len(batch)])
        return np.concatenate(rows)

    def load(self, batch: FloatArray) -> None:
        """Quantises one full batch as the file asks and hands it to the interpreter."""
        self._interpreter.set_tensor(self._input["index"], _quantized(batch, self._input))

    def invoke(self) -> None:
        """Runs the model on the batch loaded last; the part that a benchmark times."""
        self._interpreter.invoke()

    def output(self) -> FloatArray:
        """The outputs of the last run, as float32."""
        return _dequantized(self._interpreter.get_tensor(self._output["index"]), self._output)

    def _only(self, details: list[dict[str, Any]], kind: str) -> dict[str, Any]:
        if len(details) != 1:
            raise ToolError(
                f"{self.path}: expected a model with one {kind}, got {len(details)} of them."
            )
        return details[0]


def padded(batch: FloatArray, batch_size: int) -> FloatArray:
    """Fills a last, shorter batch up by repeating its samples in turn."""
    return np.take(batch, range(batch_size), axis=0, mode="wrap")


def read_tflite(path: Path) -> bytes:
    """The content of a .tflite file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: expected a readable .tflite file: {error.strerror}.") from error


def _interpreter(path: Path, num_threads: int) -> Interpreter:
    if num_threads < 1:
        raise ToolError(f"num_threads: expected 1 or more, got {num_threads}.")
    content = read_tflite(path)
    with silenced() as noise:
        try:
            interpreter = Interpreter(model_content=content, num_threads=num_threads)
        except ValueError as error:
            raise ToolError(
                f"{path}: not a .tflite model, or a damaged one of {len(content)} bytes ({error}). "
                "Convert the model again."
            ) from error
        try:
            interpreter.allocate_tensors()
        except RuntimeError as error:
            problem = f"{path}: the LiteRT interpreter cannot prepare the model: {error}"
            raise ToolError(f"{problem}\n{noise.tail()}".rstrip()) from error
    return interpreter


def _quantized(values: FloatArray, details: dict[str, Any]) -> AnyArray:
    """Real values to the tensor's integers: nearest, ties to even, clipped to the type."""
    scale, zero_point = details["quantization"]
    if not scale:
        return values.astype(details["dtype"], copy=False)
    limits = np.iinfo(details["dtype"])
    steps = np.rint(values / np.float32(scale)) + zero_point
    return np.clip(steps, limits.min, limits.max).astype(details["dtype"])


def _dequantized(values: AnyArray, details: dict[str, Any]) -> FloatArray:
    scale, zero_point = details["quantization"]
    if not scale:
        return values.astype(np.float32, copy=False)
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
