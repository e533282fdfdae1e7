"""What Android's benchmark binaries print, as records."""

from tflite_tools.benchmark_log.op_profile import read_op_profile
from tflite_tools.benchmark_log.parsing import parse_benchmark_log
from tflite_tools.benchmark_log.records import BenchmarkRecord, OpTime, UnsupportedOp

__all__ = ["BenchmarkRecord", "OpTime", "UnsupportedOp", "parse_benchmark_log", "read_op_profile"]
