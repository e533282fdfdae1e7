"""Benchmarks of .tflite files on this machine's processor."""

from tflite_tools.host.benchmark import benchmark_host
from tflite_tools.host.records import HostRecord, Machine, OpsNotTaken
from tflite_tools.host.report import HostReport
from tflite_tools.host.storing import PATTERN, load_host_report, write_host_report

__all__ = [
    "PATTERN",
    "HostRecord",
    "HostReport",
    "Machine",
    "OpsNotTaken",
    "benchmark_host",
    "load_host_report",
    "write_host_report",
]
