"""Keras models as .tflite files, and the proof that they are right.

Nothing here imports Keras or TensorFlow before a function needs them.
"""

from tflite_tools.android import benchmark_android
from tflite_tools.benchmark_log import BenchmarkRecord, parse_benchmark_log
from tflite_tools.convert import convert
from tflite_tools.evaluate import evaluate
from tflite_tools.evaluate_files import evaluate_files
from tflite_tools.gpu import run_on_gpu
from tflite_tools.host import benchmark_host
from tflite_tools.inspection import inspect_model
from tflite_tools.npu import compile_for_soc
from tflite_tools.qat import qat
from tflite_tools.ranges import range_report
from tflite_tools.run_report import RunReport, report_runs

__all__ = [
    "BenchmarkRecord",
    "RunReport",
    "benchmark_android",
    "benchmark_host",
    "compile_for_soc",
    "convert",
    "evaluate",
    "evaluate_files",
    "inspect_model",
    "parse_benchmark_log",
    "qat",
    "range_report",
    "report_runs",
    "run_on_gpu",
]
