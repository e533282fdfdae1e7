"""Benchmarks on Android phones over adb."""

from tflite_tools.android.benchmark import benchmark_android
from tflite_tools.android.reporting import AndroidReport

__all__ = ["AndroidReport", "benchmark_android"]
