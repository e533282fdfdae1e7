"""Quantisation-aware training: an int8 file whose weights were trained to be rounded."""

from tflite_tools.quantization_aware.api import qat
from tflite_tools.quantization_aware.records import QatEpoch, QatFigures, QatReport

__all__ = ["QatEpoch", "QatFigures", "QatReport", "qat"]
