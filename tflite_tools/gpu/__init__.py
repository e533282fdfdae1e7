"""Runs a .tflite file on a GPU, or on Vulkan in software, and compares it with the processor."""

from tflite_tools.gpu.drivers import Driver, find_driver
from tflite_tools.gpu.predicting import GpuOutputs, predict_on_gpu
from tflite_tools.gpu.records import GpuFailure, GpuRecord
from tflite_tools.gpu.report import GpuReport
from tflite_tools.gpu.running import run_files_on_gpu, run_on_gpu

__all__ = [
    "Driver",
    "GpuFailure",
    "GpuOutputs",
    "GpuRecord",
    "GpuReport",
    "find_driver",
    "predict_on_gpu",
    "run_files_on_gpu",
    "run_on_gpu",
]
