"""Why an int8 file is less accurate than its float32 file, and in which layers."""

from tflite_tools.ranges.measure import range_report
from tflite_tools.ranges.records import ChannelError, TensorError, WeightRange
from tflite_tools.ranges.report import RangeReport

__all__ = ["ChannelError", "RangeReport", "TensorError", "WeightRange", "range_report"]
