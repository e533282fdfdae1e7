"""The rules of XNNPACK and the partitioning against LiteRT's own interpreter.

The interpreter lists a DELEGATE node for each partition, with all that it reads, weights among
it, and all that it makes: the predicted partitions must be exactly these.
"""

import pytest
from ai_edge_litert.interpreter import Interpreter
from support.operator_zoo import NETWORKS, zoo_file

import keras_finet
from tflite_tools import convert
from tflite_tools.delegates import delegate_report
from tflite_tools.interpreter import delegate_nodes
from tflite_tools.model_graph import read_graph
from tflite_tools.quiet import silenced


def real_partitions(content):
    """What XNNPACK runs as one each, as the interpreter built it."""
    with silenced():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        nodes = delegate_nodes(interpreter)
    return sorted((tuple(sorted(node.inputs)), tuple(sorted(node.outputs))) for node in nodes)


def predicted_partitions(content):
    report = delegate_report(read_graph(content), "xnnpack")
    return sorted((partition.inputs, partition.outputs) for partition in report.partitions)


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("network", NETWORKS)
def test_partitions_are_those_of_the_interpreter(network, precision):
    content = zoo_file(network, precision)
    assert predicted_partitions(content) == real_partitions(content)


@pytest.mark.parametrize("precision", ["float16", "dynamic"])
@pytest.mark.parametrize("network", ["convolutions", "large_weights", "pooling"])
def test_so_with_weights_of_another_type(network, precision):
    content = zoo_file(network, precision)
    assert predicted_partitions(content) == real_partitions(content)


@pytest.mark.parametrize("network", ["attention", "convolutions", "large_weights"])
def test_an_open_batch_size_brings_operators_that_cut_the_graph(network):
    content = zoo_file(network, batch_size=None)
    assert len(predicted_partitions(content)) > 1
    assert predicted_partitions(content) == real_partitions(content)


@pytest.mark.parametrize("squeeze_excite", [False, True])
def test_finet_is_taken_as_a_whole(squeeze_excite, tmp_path):
    model = keras_finet.FinetSmall(
        classes=10, input_shape=(32, 32, 3), stem="cifar", squeeze_excite=squeeze_excite
    )
    report = convert(model, tmp_path, precisions=["float32"], batch_size=1)
    content = report.records[0].file.read_bytes()
    found = delegate_report(read_graph(content), "xnnpack")
    assert found.coverage == "full"
    assert found.mac_share == 1
    assert len(found.partitions) == 1
    assert predicted_partitions(content) == real_partitions(content)
