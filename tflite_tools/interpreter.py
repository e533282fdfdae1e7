"""Runs .tflite files in the LiteRT interpreter on whole arrays of float samples."""

import copy
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tflite_tools.errors import ToolError
from tflite_tools.quiet import silenced
from tflite_tools.samples import AnyArray, FloatArray, as_float32, checked_array


@dataclass(frozen=True)
class DelegateNode:
    """What a delegate runs as one.

    Attributes:
        inputs: The indices of the tensors that it reads, constants among them.
        outputs: The indices of those that it makes and others read.
    """

    inputs: frozenset[int]
    outputs: frozenset[int]


def delegate_nodes(interpreter: Interpreter) -> tuple[DelegateNode, ...]:
    """What delegates have taken of a model whose tensors are allocated."""
    return tuple(
        DelegateNode(frozenset(map(int, node["inputs"])), frozenset(map(int, node["outputs"])))
        # Private, and the only place where Python sees what a delegate took.
        for node in interpreter._get_ops_details()
        if node["op_name"] == "DELEGATE"
    )


class LiteModel:
    """A .tflite file with one input and one output, ready to run.

    Quantised inputs and outputs are converted with the scale and zero point that the file gives
    for them, so that callers see float32 whatever the precision.

    Args:
        path: The .tflite file.
        num_threads: How many threads the interpreter may use.
    """

    def __init__(self, path: str | os.PathLike[str], *, num_threads: int = 1) -> None:
        if num_threads < 1:
            raise ToolError(f"num_threads: expected 1 or more, got {num_threads}.")
        self.path = Path(path)
        self._num_threads = num_threads
        self.content = read_tflite(self.path)
        self._interpreter = self._prepared()
        self._input = self._only(self._interpreter.get_input_details(), "input")
        self._output = self._only(self._interpreter.get_output_details(), "output")
        self.batch_size, *sample_shape = (int(side) for side in self._input["shape"])
        self.sample_shape = tuple(sample_shape)
        self.row_shape = tuple(int(side) for side in self._output["shape"][1:])

    @property
    def input_name(self) -> str:
        """The name of the input tensor in the file."""
        return str(self._input["name"])

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The type of the input tensor in the file."""
        return np.dtype(self._input["dtype"])

    @property
    def output_dtype(self) -> np.dtype[Any]:
        """The type of the output tensor in the file."""
        return np.dtype(self._output["dtype"])

    @property
    def any_size(self) -> bool:
        """Whether the file takes samples of any size; `sample_shape` has 1 for such an axis."""
        return any(int(side) < 0 for side in self._input["shape_signature"][1:])

    @property
    def input_details(self) -> dict[str, Any]:
        """What the interpreter says of the input: shape, dtype, quantization."""
        return self._input

    @property
    def output_details(self) -> dict[str, Any]:
        """The same of the output."""
        return self._output

    @property
    def output_step(self) -> float:
        """The size of a quantisation step of the outputs; 0 for floats."""
        return float(self._output["quantization"][0])

    def delegate_nodes(self) -> tuple[DelegateNode, ...]:
        """What XNNPACK has taken of the model."""
        return delegate_nodes(self._interpreter)

    def another(self) -> "LiteModel":
        """The same model in an interpreter of its own, for another thread."""
        other = copy.copy(self)
        other._interpreter = self._prepared()
        return other

    def predict(self, samples: Any) -> FloatArray:
        """Runs the model on any number of samples and returns one output row for each."""
        return np.concatenate(list(self.outputs(self.checked(samples))))

    def checked(self, samples: Any) -> AnyArray:
        """Refuses samples that the model cannot be fed; nothing is copied."""
        what = f"inputs of {self.path.name}"
        return checked_array(samples, self.sample_shape, what=what)

    def outputs(self, samples: AnyArray) -> Iterator[FloatArray]:
        """Runs the model on checked samples, and yields the rows of one batch after the other."""
        for start in range(0, len(samples), self.batch_size):
            batch = samples[start : start + self.batch_size]
            self.load(padded(as_float32(batch), self.batch_size))
            self.invoke()
            rows = self.output()
            if rows.shape != (self.batch_size, *self.row_shape):
                raise ToolError(
                    f"{self.path}: expected outputs of shape {(self.batch_size, *self.row_shape)}, "
                    f"as the file says, got {rows.shape}."
                )
            yield rows[: len(batch)]

    def load(self, batch: FloatArray) -> None:
        """Quantises one full batch as the file asks and hands it to the interpreter."""
        self._interpreter.set_tensor(self._input["index"], quantized(batch, self._input))

    def invoke(self) -> None:
        """Runs the model on the batch loaded last; the part that a benchmark times."""
        try:
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise ToolError(
                f"{self.path}: LiteRT fails while running it: {_line(error)}"
            ) from error

    def output(self) -> FloatArray:
        """The outputs of the last run, as float32."""
        return dequantized(self._interpreter.get_tensor(self._output["index"]), self._output)

    def encoded(self, batch: FloatArray) -> bytes:
        """One full batch as the bytes of the input tensor."""
        return quantized(batch, self._input).tobytes()

    def decoded(self, content: bytes) -> FloatArray | None:
        """The bytes of an output tensor as float32; None if they are not of its size."""
        shape = (self.batch_size, *self.row_shape)
        if len(content) != math.prod(shape) * self.output_dtype.itemsize:
            return None
        return dequantized(np.frombuffer(content, self.output_dtype).reshape(shape), self._output)

    def _prepared(self) -> Interpreter:
        with silenced() as noise:
            try:
                interpreter = Interpreter(model_content=self.content, num_threads=self._num_threads)
            except ValueError as error:
                raise ToolError(
                    f"{self.path}: not a .tflite model, or a damaged one of "
                    f"{len(self.content)} bytes ({_line(error)}). Convert the model again."
                ) from error
            try:
                interpreter.allocate_tensors()
            except RuntimeError as error:
                raise ToolError(
                    f"{self.path}: the LiteRT interpreter cannot prepare the model: "
                    f"{_line(error, noise.tail())}"
                ) from error
        return interpreter

    def _only(self, details: list[dict[str, Any]], kind: str) -> dict[str, Any]:
        if len(details) != 1:
            raise ToolError(
                f"{self.path}: expected a model with one {kind}, got {len(details)} of them."
            )
        if not (len(details[0]["shape"]) and np.issubdtype(details[0]["dtype"], np.number)):
            raise ToolError(
                f"{self.path}: expected an {kind} of numbers with a batch axis, got "
                f"{np.dtype(details[0]['dtype'])} of shape {tuple(details[0]['shape'])}."
            )
        return details[0]


def padded(batch: FloatArray, batch_size: int) -> FloatArray:
    """Fills a last, shorter batch up by repeating its samples in turn."""
    if len(batch) == batch_size:
        return batch
    return np.take(batch, range(batch_size), axis=0, mode="wrap")


def read_tflite(path: Path) -> bytes:
    """The content of a .tflite file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: expected a readable .tflite file: {error.strerror}.") from error


def _line(*messages: object) -> str:
    """What LiteRT says over several lines, without what is no complaint."""
    lines = [line.strip() for message in messages for line in str(message).splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith("INFO:"))


def quantized(values: FloatArray, details: dict[str, Any]) -> AnyArray:
    """Real values to the tensor's integers: nearest, ties to even, clipped to the type."""
    scale, zero_point = details["quantization"]
    if np.issubdtype(details["dtype"], np.floating):
        return values.astype(details["dtype"], copy=False)
    limits = np.iinfo(details["dtype"])
    # Integers without a scale, such as pixels, are what they are.
    steps = np.rint(values / np.float32(scale or 1)) + zero_point
    return np.clip(steps, limits.min, limits.max).astype(details["dtype"])


def dequantized(values: AnyArray, details: dict[str, Any]) -> FloatArray:
    """The real values that the tensor's integers stand for."""
    scale, zero_point = details["quantization"]
    if not scale:
        return values.astype(np.float32, copy=False)
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
