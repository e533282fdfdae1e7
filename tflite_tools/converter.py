"""Deployed graph → the contents of .tflite files, from whichever backend Keras runs on."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import GraphSpec, load, save
from tflite_tools.quantize import Quantization
from tflite_tools.quiet import is_verbose, verbosity
from tflite_tools.tf_converter import TFLiteConverter
from tflite_tools.worker import run_in_worker

# The converter computes on the processor; another backend may hold the memory of the GPU.
_NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}


def tflite_contents(
    spec: GraphSpec,
    precisions: Sequence[str],
    *,
    batch_size: int = 1,
    quantization: Quantization | None = None,
) -> Iterator[bytes]:
    """Yields the content of one .tflite file for each precision.

    The network is built and traced once for all of them: here if Keras runs on TensorFlow, else
    in a process of its own.

    Args:
        spec: The deployed graph, from `deployed_graph`.
        precisions: Any of `PRECISIONS`.
        batch_size: The batch size that the files are fixed to.
        quantization: What int8 needs to know.

    Raises:
        ToolError: A precision cannot be converted to; the contents before it have been yielded.
    """
    import keras

    settings = quantization or Quantization()
    if keras.backend.backend() == "tensorflow":
        yield from _contents_here(spec, precisions, batch_size, settings)
        return
    for answer in _contents_from_worker(spec, precisions, batch_size, settings):
        if isinstance(answer, str):
            raise ToolError(answer)
        yield answer


def _contents_here(
    spec: GraphSpec, precisions: Sequence[str], batch_size: int, settings: Quantization
) -> Iterator[bytes]:
    converter = TFLiteConverter(spec, batch_size)
    for precision in precisions:
        yield converter.content(precision, settings)


def _contents_from_worker(
    spec: GraphSpec, precisions: Sequence[str], batch_size: int, settings: Quantization
) -> Any:
    with tempfile.TemporaryDirectory(prefix="tflite-tools-") as name:
        file = Path(name) / "graph.npz"
        save(spec, file)
        arguments = {
            "file": file,
            "precisions": precisions,
            "batch_size": batch_size,
            "settings": vars(settings),
            "verbose": is_verbose(),
        }
        return run_in_worker(contents_of_file, arguments, env=_NO_GPU, verbose=is_verbose())


def contents_of_file(
    file: Path, precisions: list[str], batch_size: int, settings: dict[str, Any], verbose: bool
) -> list[bytes | str]:
    """The worker's part: the contents up to the first that fails, then what it failed with."""
    answers: list[bytes | str] = []
    with verbosity(verbose):
        contents = _contents_here(load(file), precisions, batch_size, Quantization(**settings))
        try:
            answers.extend(contents)
        except ToolError as error:
            answers.append(str(error))
    return answers
