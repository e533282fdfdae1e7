"""Compiles .tflite files for a Snapdragon's neural processor ahead of time, on a desktop."""

from tflite_tools.npu.compiling import compile_files, compile_for_soc
from tflite_tools.npu.records import CompilationFailure, CompilationRecord, RefusedOperator
from tflite_tools.npu.report import CompilationReport
from tflite_tools.npu.socs import known_socs

__all__ = [
    "CompilationFailure",
    "CompilationRecord",
    "CompilationReport",
    "RefusedOperator",
    "compile_files",
    "compile_for_soc",
    "known_socs",
]
