"""Benchmarks on Android phones over adb."""

from tflite_tools.android.benchmark import benchmark_android

__all__ = ["benchmark_android"]
