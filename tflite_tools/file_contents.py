"""The contents of a conversion's files, with the preprocessing in front of the network if asked."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from tflite_tools.converter import tflite_contents
from tflite_tools.dead_channels import contents_in_order
from tflite_tools.feeding import Feeding
from tflite_tools.graph_spec import GraphSpec
from tflite_tools.pixel_input import with_pixel_input
from tflite_tools.quantize import Quantization
from tflite_tools.samples import FloatArray

_BRIGHTEST = 255


def file_contents(
    graphs: Mapping[str, GraphSpec],
    *,
    feeding: Feeding,
    batch_size: int,
    quantization: Quantization,
) -> Iterator[bytes]:
    """Yields the content of one .tflite file for each precision.

    Args:
        graphs: The deployed graph of each precision.
        feeding: What the files are fed.
        batch_size: The batch size that the files are fixed to.
        quantization: What int8 needs to know; its samples are what the files are fed.
    """
    if feeding.included:
        samples = quantization.calibration
        quantization = replace(
            quantization,
            calibration=None if samples is None else with_white(samples),
            input_type="uint8",
        )
        graphs = _with_pixel_inputs(graphs, feeding)
    return contents_in_order(
        graphs, partial(tflite_contents, batch_size=batch_size, quantization=quantization)
    )


def _with_pixel_inputs(graphs: Mapping[str, GraphSpec], feeding: Feeding) -> dict[str, GraphSpec]:
    """Float files cast the pixels themselves, int8 files have them quantised by the converter."""
    made: dict[tuple[int, str], GraphSpec] = {}
    grown = {}
    for precision, graph in graphs.items():
        dtype = "float32" if precision == "int8" else "uint8"
        key = id(graph), dtype
        if key not in made:
            normalize = feeding.normalization(graph.inputs[0].shape[-1] or 0)
            made[key] = with_pixel_input(graph, normalize, dtype=dtype)
        grown[precision] = made[key]
    return grown


def with_white(pixels: FloatArray) -> FloatArray:
    """The pixels, one of which is made white.

    The converter quantises the input to the range from 0 to the largest value that it sees. Only
    where that is 255 is a step one brightness, and a pixel the same number in the file.
    """
    anchored = pixels.copy()
    anchored[0, 0, 0] = _BRIGHTEST
    return anchored
