"""A whole log to one record."""

from tflite_tools.benchmark_log.cleaning import clean_lines
from tflite_tools.benchmark_log.complaints import (
    read_error,
    read_failed,
    read_gave_up,
    read_unknown_flags,
    read_unsupported_ops,
)
from tflite_tools.benchmark_log.delegation import read_delegation
from tflite_tools.benchmark_log.op_profile import read_op_profile
from tflite_tools.benchmark_log.records import BenchmarkRecord, Binary, Status
from tflite_tools.benchmark_log.timings import read_timings

_LITERT_MARKS = (
    "BENCHMARK RESULTS",
    "Model initialization:",
    "Warmup (first):",
    "dispatch_library_path:",
    "compiler_plugin_library_path:",
    "benchmark_litert_model",
)


def parse_benchmark_log(text: str) -> BenchmarkRecord:
    """Reads what `benchmark_model` printed, TFLite's or LiteRT's, on any version since 2019.

    Args:
        text: Its standard output and standard error together, as they came, from a terminal, a
            file or logcat. They may be cut off anywhere and hold any other lines.

    Returns:
        A `BenchmarkRecord`. Times are in milliseconds. This never raises: what cannot be read is
        None, and a number in which the text was cut off is not read.
    """
    lines = clean_lines(text)
    timings = read_timings(lines)
    op_profile, cut_in_profile = read_op_profile(lines)
    finished = timings.finished and not cut_in_profile
    applied = read_delegation(lines, finished=finished)
    return BenchmarkRecord(
        status=_status(lines, finished=finished),
        binary=_binary(text),
        delegate=applied.delegate,
        delegation=applied.delegation,
        runs=timings.runs,
        accelerators=applied.accelerators,
        nodes=applied.nodes,
        delegated_nodes=applied.delegated_nodes,
        partitions=applied.partitions,
        unsupported_ops=read_unsupported_ops(lines),
        op_profile=op_profile,
        unknown_flags=read_unknown_flags(lines),
        error=read_error(lines),
        **timings.figures,
    )


def _status(lines: list[str], *, finished: bool) -> Status:
    if read_gave_up(lines):
        return "failed"
    if finished:
        return "ok"
    return "failed" if read_failed(lines) else "incomplete"


def _binary(text: str) -> Binary:
    return "litert" if any(mark in text for mark in _LITERT_MARKS) else "classic"
