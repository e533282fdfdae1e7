"""One model as the contents of .tflite files, without the checks of `convert`."""

from tflite_tools.converter import tflite_contents
from tflite_tools.deploy import deployed_graph
from tflite_tools.quantize import Quantization


def contents_of(model, precisions, **quantization):
    return tflite_contents(
        deployed_graph(model), precisions, quantization=Quantization(**quantization)
    )


def content_of(model, precision="float32", **quantization):
    (content,) = contents_of(model, [precision], **quantization)
    return content
