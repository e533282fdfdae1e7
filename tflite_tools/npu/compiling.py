"""Compiles .tflite files for the neural processor of a Snapdragon."""

import os
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import DAMAGE, op_histogram
from tflite_tools.integrity import check_unchanged
from tflite_tools.interpreter import read_tflite
from tflite_tools.model_graph import ModelGraph, Operator, read_graph
from tflite_tools.npu.compiler import Finished, run_compiler
from tflite_tools.npu.compiler_log import CompilerLog, read_log
from tflite_tools.npu.records import CompilationFailure, CompilationRecord, RefusedOperator
from tflite_tools.npu.report import CompilationReport
from tflite_tools.npu.sdk import Sdk, check_platform, find_sdk
from tflite_tools.npu.socs import checked_soc
from tflite_tools.output_folder import output_folder, whole_file
from tflite_tools.paths import checked_path, checked_paths
from tflite_tools.progress import Progress

# What stands in a compiled file for what the neural processor runs.
_COMPILED = "CUSTOM:DISPATCH_OP"


def compile_for_soc(
    path: str | os.PathLike[str],
    soc: str,
    *,
    output: str | os.PathLike[str] | None = None,
    sdk_libs: str | os.PathLike[str] | None = None,
) -> CompilationRecord:
    """Compiles a .tflite file for the neural processor (HTP) of a Snapdragon, ahead of time.

    It runs Qualcomm's compiler, through LiteRT, on Linux on x86-64. The compiled file runs on that
    chip alone, with LiteRT's runtime for it; nothing is run here.

    Args:
        path: The .tflite file, with a fixed batch size.
        soc: The chip, one of `tflite_tools.npu.known_socs()`, such as "SM8350" (Snapdragon 888).
        output: The folder to write to, made if missing; by default that of the file. The compiled
            file is called as the source, with the chip behind it: `finet_int8_SM8350.tflite`.
        sdk_libs: The folder with Qualcomm's libraries for x86-64 Linux, or that of the whole SDK;
            by default those of the package `ai_edge_litert_sdk_qualcomm`.

    Returns:
        A `CompilationRecord`. Operators that the compiler refuses are left to the CPU; the record
        says which, and why.

    Raises:
        ToolError: The platform, the chip, the SDK or the file cannot be used, the compiler takes
            none of its operators, or it fails or crashes; the message says why.
    """
    check_platform()
    chip, sdk = checked_soc(soc), find_sdk(sdk_libs)
    return _compiled(checked_path(path, what=".tflite file"), chip, output, sdk)


def compile_files(
    files: Iterable[str | os.PathLike[str]],
    soc: str,
    *,
    output: str | os.PathLike[str] | None = None,
    sdk_libs: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> CompilationReport:
    """Compiles several files, one after the other; one that fails does not keep others from it.

    Args:
        files: The .tflite files.
        soc: As for `compile_for_soc`.
        output: As for `compile_for_soc`.
        sdk_libs: As for `compile_for_soc`.
        progress: Called with a file, 0 and 1 before it is compiled, and 1 and 1 after it.

    Returns:
        A `CompilationReport` with a record for each file, or why there is none.

    Raises:
        ToolError: What concerns all files cannot be used: the platform, the chip, the SDK, the
            folder, or files whose results would have the same name.
    """
    check_platform()
    chip, sdk = checked_soc(soc), find_sdk(sdk_libs)
    sources = checked_paths(files, what=".tflite files")
    _check_names(sources, chip, output)
    records, failures = [], []
    tell = progress or (lambda *_: None)
    for source in sources:
        tell(source, 0, 1)
        try:
            records.append(_compiled(source, chip, output, sdk))
        except ToolError as error:
            failures.append(CompilationFailure(source, str(error)))
        tell(source, 1, 1)
    return CompilationReport(tuple(records), tuple(failures))


def _check_names(sources: list[Path], soc: str, output: str | os.PathLike[str] | None) -> None:
    targets = Counter(
        (source.parent if output is None else Path(output)) / _name(source, soc)
        for source in sources
    )
    if (twice := next((target for target, n in targets.items() if n > 1), None)) is not None:
        raise ToolError(
            f"{twice}: several of the given files would be compiled to this one. Compile them to "
            "different folders."
        )


def _name(source: Path, soc: str) -> str:
    return f"{source.stem}_{soc}.tflite"


def _compiled(
    source: Path, soc: str, output: str | os.PathLike[str] | None, sdk: Sdk
) -> CompilationRecord:
    graph, size = _checked(source)
    with output_folder(source.parent if output is None else output) as folder:
        final = folder / _name(source, soc)
        with whole_file(final) as temporary:
            finished = run_compiler(source, temporary, soc, sdk)
            log = read_log(finished.messages, finished.details)
            if finished.code != 0 or not temporary.is_file():
                _refuse(source, soc, graph, finished, log)
            _check_counts(source, temporary, log)
            refused = _refused(graph, read_graph(temporary.read_bytes()), log)
    return CompilationRecord(
        source=source,
        file=final,
        soc=soc,
        operators=log.operators or 0,
        offloaded=log.offloaded,
        partitions=log.partitions,
        refused=refused,
        source_bytes=size,
        size_bytes=final.stat().st_size,
        compile_seconds=finished.seconds,
        sdk=sdk.folder,
        notes=(*sdk.notes, *log.versions),
    )


def _checked(source: Path) -> tuple[ModelGraph, int]:
    """The graph and the size of a file that can be compiled."""
    content = read_tflite(source)
    check_unchanged(source, content)
    try:
        graph = read_graph(content)
    except ToolError as error:
        raise ToolError(f"{source}: {error}") from error
    except DAMAGE as error:
        raise ToolError(f"{source}: the TFLite model is damaged: {error}") from error
    if any(operator.name == _COMPILED for operator in graph.operators):
        raise ToolError(f"{source}: is compiled already. Give the file that it was made from.")
    return graph, len(content)


def _refused(
    graph: ModelGraph, compiled: ModelGraph, log: CompilerLog
) -> tuple[RefusedOperator, ...]:
    """What the log names, and what stands in the compiled file as it was without being named."""
    kept = {_made(operator) for operator in compiled.operators}
    left = {operator.index: operator for operator in graph.operators if _made(operator) in kept}
    # The log counts the operators of a loop's body from 0 as well.
    elsewhere = set(log.refused) - set(left) if graph.callers else ()
    refused = [
        RefusedOperator(
            index, "an operator of a loop's body" if index in elsewhere else _op(graph, index), why
        )
        for index, why in log.refused.items()
    ]
    unnamed = (operator for index, operator in left.items() if index not in log.refused)
    refused += (RefusedOperator(o.index, o.name, _not_named(o)) for o in unnamed)
    return tuple(sorted(refused, key=lambda operator: operator.index))


def _made(operator: Operator) -> tuple[str, tuple[str, ...]]:
    return operator.name, tuple(tensor.name for tensor in operator.outputs)


def _not_named(operator: Operator) -> str:
    if operator.name.startswith("CUSTOM:"):
        return "is a custom operator, which LiteRT's plugin does not look at"
    return "the compiler does not say why"


def _op(graph: ModelGraph, index: int) -> str:
    return graph.operators[index].name if index < len(graph.operators) else "an operator"


def _check_counts(source: Path, compiled: Path, log: CompilerLog) -> None:
    """What the compiler says must be what stands in its file."""
    found = op_histogram(compiled.read_bytes())
    pieces = found.pop(_COMPILED, 0)
    left = sum(found.values())
    if (pieces, left) != (log.partitions, (log.operators or 0) - log.offloaded):
        raise ToolError(
            f"{source}: LiteRT's compiler reports {log.partitions} partitions and "
            f"{log.offloaded} of {log.operators} operators, but its file holds {pieces} "
            f"partitions and {left} operators. This version of ai-edge-litert is not known here."
        )


def _refuse(
    source: Path, soc: str, graph: ModelGraph, finished: Finished, log: CompilerLog
) -> NoReturn:
    if log.unloaded is not None:
        raise ToolError(
            f"{source}: LiteRT's plugin for Qualcomm's compiler cannot be loaded: {log.unloaded}. "
            "Give the libraries of another version of the SDK with --sdk-libs."
        )
    if finished.code < 0:
        name = signal.Signals(-finished.code).name
        raise ToolError(f"{source}: Qualcomm's compiler crashes on it for {soc} ({name}).")
    if log.operators is not None and log.offloaded == 0:
        reasons = "; ".join(dict.fromkeys(log.refused.values()))
        raise ToolError(
            f"{source}: Qualcomm's compiler takes none of its {log.operators} operators for {soc}"
            + (f": {reasons}." if reasons else ".")
        )
    if log.not_made is not None:
        index, said = log.not_made
        raise ToolError(
            f"{source}: Qualcomm's compiler takes operator {index} ({_op(graph, index)}) and then "
            f"fails on it for {soc}: {said}. Replace the layer, convert to int8, or compile for a "
            "later chip."
        )
    lines = [line for line in finished.messages.splitlines() if line.startswith("ERROR")]
    said = lines[0].partition("] ")[2] if lines else f"exit code {finished.code}"
    raise ToolError(f"{source}: Qualcomm's compiler fails on it for {soc}: {said}.")
