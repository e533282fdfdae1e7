"""One model as the content of one .tflite file, without the checks of `convert`."""

from tflite_tools.converter import tflite_contents
from tflite_tools.deploy import deployed_graph
from tflite_tools.quantize import Quantization


def content_of(model, precision="float32", **quantization):
    graph = deployed_graph(model)
    (content,) = tflite_contents(graph, [precision], quantization=Quantization(**quantization))
    return content
