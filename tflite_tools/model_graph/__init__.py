"""A .tflite file's graph as plain data: operators with their options, operands and costs."""

from tflite_tools.model_graph.reading import read_graph
from tflite_tools.model_graph.records import ModelGraph, Operator, Quantization, Tensor

__all__ = ["ModelGraph", "Operator", "Quantization", "Tensor", "read_graph"]
