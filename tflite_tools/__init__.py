"""Keras models as .tflite files, and the proof that they are right.

Every name is imported when it is first used, so that a command line answers at once. Nothing here
imports Keras or TensorFlow before a function needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tflite_tools.android import benchmark_android
    from tflite_tools.benchmark_log import BenchmarkRecord, parse_benchmark_log
    from tflite_tools.conversion import convert
    from tflite_tools.evaluation import evaluate
    from tflite_tools.file_evaluation import evaluate_files
    from tflite_tools.gpu import run_on_gpu
    from tflite_tools.host import benchmark_host
    from tflite_tools.inspection import inspect_model
    from tflite_tools.npu import compile_for_soc
    from tflite_tools.quantization_aware import qat
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

# No module has the name of what it exports: importing it would put it in the place of that.
_MODULES = {
    "BenchmarkRecord": "benchmark_log",
    "RunReport": "run_report",
    "benchmark_android": "android",
    "benchmark_host": "host",
    "compile_for_soc": "npu",
    "convert": "conversion",
    "evaluate": "evaluation",
    "evaluate_files": "file_evaluation",
    "inspect_model": "inspection",
    "parse_benchmark_log": "benchmark_log",
    "qat": "quantization_aware",
    "range_report": "ranges",
    "report_runs": "run_report",
    "run_on_gpu": "gpu",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
