"""What a .tflite file is, without running it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.delegates import TargetReport, find_target, target_report
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import DAMAGE, op_histogram, parse
from tflite_tools.integrity import is_unchanged
from tflite_tools.interpreter import read_tflite
from tflite_tools.metadata import ModelMetadata, read_metadata
from tflite_tools.model_graph import read_graph
from tflite_tools.one_bit import one_bit_record
from tflite_tools.operator_report import OperatorReport, operator_reports
from tflite_tools.paths import checked_path
from tflite_tools.provenance import read_provenance
from tflite_tools.records import OneBitRecord

_TYPE_NAMES = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")
}


@dataclass(frozen=True)
class TensorReport:
    """An input or an output of a model.

    Attributes:
        name: Its name in the file.
        shape: Its shape with the batch; None for an axis of any length.
        dtype: Its type, such as "float32".
        scale: The real value of a quantisation step; None if it is not quantised.
        zero_point: The quantised value of 0; None if it is not quantised.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True)
class ModelReport:
    """What a .tflite file is.

    Attributes:
        file: The file.
        size_bytes: Its size.
        inputs: Its inputs.
        outputs: Its outputs.
        ops: How often each operator occurs in it, the most frequent first.
        metadata: Its TFLite metadata; None if it has none.
        provenance: Where it comes from, as `convert` records it; None if it has no such record.
        unchanged: Whether it has the hash in the record beside it; None without such a record.
        operators: The operators of its main graph in the order of execution, each with its
            options, operands, multiply-accumulate operations and bytes of weights.
        target: What the delegates of a phone would do with it.
        not_counted: The operators of its main graph that run other subgraphs, such as "WHILE":
            the multiply-accumulate operations in these are not counted.
        counted_shapes: The shapes of the inputs that the multiply-accumulate operations are
            counted for: an axis of any length is 1 there.
        one_bit: The weights of one bit in its main graph; None if it has none.
    """

    file: Path
    size_bytes: int
    inputs: tuple[TensorReport, ...]
    outputs: tuple[TensorReport, ...]
    ops: dict[str, int]
    metadata: ModelMetadata | None
    provenance: dict[str, Any] | None
    unchanged: bool | None = None
    operators: tuple[OperatorReport, ...] = ()
    target: TargetReport | None = None
    not_counted: tuple[str, ...] = ()
    counted_shapes: tuple[tuple[int, ...], ...] = ()
    one_bit: OneBitRecord | None = None


def inspect_model(path: str | os.PathLike[str], *, target: str = "generic-android") -> ModelReport:
    """Reads what a .tflite file says of itself; the file is not run.

    Args:
        path: The file, ours or anybody's.
        target: The phone that is reported on: "snapdragon-855", "kirin-980", "snapdragon-710" or
            "generic-android".

    Returns:
        A `ModelReport`.

    Raises:
        ToolError: The file cannot be read, or is no whole TFLite model; the target is unknown.
    """
    file = checked_path(path, what=".tflite file")
    find_target(target)
    content = read_tflite(file)
    try:
        graph = parse(content).subgraphs[0]
        whole = read_graph(content)
        return ModelReport(
            file=file,
            size_bytes=len(content),
            inputs=_tensors(graph, graph.inputs),
            outputs=_tensors(graph, graph.outputs),
            ops=op_histogram(content),
            metadata=read_metadata(content),
            provenance=read_provenance(content),
            unchanged=is_unchanged(file, content),
            operators=operator_reports(whole),
            target=target_report(whole, target),
            not_counted=whole.callers,
            counted_shapes=tuple(
                tuple(map(int, graph.tensors[index].shape)) for index in graph.inputs
            ),
            one_bit=one_bit_record(content),
        )
    except ToolError as error:
        raise ToolError(f"{file}: {error}") from error
    except DAMAGE as error:
        raise ToolError(f"{file}: the TFLite model is damaged: {error}") from error


def _tensors(graph: Any, indices: Iterable[int]) -> tuple[TensorReport, ...]:
    return tuple(_tensor(graph.tensors[index]) for index in indices)


def _tensor(tensor: Any) -> TensorReport:
    # A file for any batch size keeps -1 here, and a 1 in the shape proper.
    shape = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    steps = tensor.quantization
    quantized = steps is not None and steps.scale is not None and len(steps.scale) > 0
    if quantized and not np.isfinite(steps.scale).all():
        raise ValueError(f"a quantisation step is {steps.scale[0]}")
    return TensorReport(
        name=tensor.name.decode(errors="replace"),
        shape=tuple(None if side < 0 else int(side) for side in shape),
        dtype=_TYPE_NAMES.get(tensor.type, f"type {tensor.type}"),
        scale=float(steps.scale[0]) if quantized else None,
        zero_point=int(steps.zeroPoint[0]) if quantized else None,
    )
