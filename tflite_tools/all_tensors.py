"""Runs a .tflite file and shows every tensor that it computes, not only its output."""

from collections.abc import Iterator
from typing import Any

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import dequantized, padded, quantized
from tflite_tools.quiet import silenced
from tflite_tools.samples import AnyArray, FloatArray

_THREADS = 2


class AllTensors:
    """A .tflite file with one input that keeps all of its tensors.

    Args:
        content: The file.

    Attributes:
        details: What the interpreter says of each tensor, by index.
        batch_size: How many samples it takes at a time.
    """

    def __init__(self, content: bytes) -> None:
        with silenced():
            try:
                self._interpreter = Interpreter(
                    model_content=content,
                    num_threads=_THREADS,
                    # Delegates compute several operators at once and keep nothing of what is
                    # between them.
                    experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                    experimental_preserve_all_tensors=True,
                )
                self._interpreter.allocate_tensors()
            except (RuntimeError, ValueError) as error:
                raise ToolError(f"LiteRT cannot load it: {' '.join(str(error).split())}") from error
        self.details: dict[int, dict[str, Any]] = {
            details["index"]: details for details in self._interpreter.get_tensor_details()
        }
        self._entry = self._interpreter.get_input_details()[0]
        self.batch_size = int(self._entry["shape"][0])

    def run(self, batch: FloatArray) -> None:
        """Runs the model on one full batch of floats, quantised if the file asks for that."""
        self._interpreter.set_tensor(self._entry["index"], quantized(batch, self._entry))
        try:
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise ToolError(f"LiteRT fails to run it: {' '.join(str(error).split())}") from error

    def values(self, index: int) -> FloatArray:
        """The real values of a tensor in the last run."""
        return dequantized(self.stored(index), self.details[index])

    def stored(self, index: int) -> AnyArray:
        """The values of a tensor in the last run as the file has them."""
        return self._interpreter.get_tensor(index)


def full_batches(samples: FloatArray, size: int) -> Iterator[tuple[FloatArray, int]]:
    """Full batches, each with how many of its samples are not there to fill it up."""
    for start in range(0, len(samples), size):
        batch = samples[start : start + size]
        yield padded(batch, size), len(batch)


def without_padding(values: AnyArray, kept: int, batch_size: int) -> AnyArray:
    """Leaves out the rows of a tensor that belong to samples that only fill a batch up."""
    return values[:kept] if values.shape[:1] == (batch_size,) else values
