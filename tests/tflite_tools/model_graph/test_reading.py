import contextlib
import random

import pytest
from support.operator_zoo import SHAPE, zoo_file

from keras_finet import complexity
from tflite_tools.errors import ToolError
from tflite_tools.model_graph import read_graph


def by_name(graph, name):
    return next(operator for operator in graph.operators if operator.name == name)


def test_options_and_operands_of_a_convolution():
    graph = read_graph(zoo_file("convolutions"))
    first = graph.operators[0]
    assert (first.index, first.name, first.version) == (0, "CONV_2D", 1)
    assert first.options["padding"] == "SAME"
    assert first.options["fused_activation_function"] == "RELU"
    assert (first.options["stride_w"], first.options["dilation_h_factor"]) == (1, 1)
    activations, weights, bias = first.inputs
    assert (activations.shape, activations.constant) == ((1, *SHAPE), False)
    assert (weights.shape, weights.constant, weights.size_bytes) == ((8, 3, 3, 8), True, 2304)
    assert bias.shape == (8,)
    assert first.weight_bytes == 2304 + 32
    assert graph.inputs == (activations.index,)
    assert graph.subgraphs == 1


def test_quantisation_per_tensor_and_per_channel():
    first = read_graph(zoo_file("convolutions", "int8")).operators[0]
    activations, weights, _ = first.inputs
    assert (activations.dtype, len(activations.quantization.scales)) == ("int8", 1)
    assert (len(weights.quantization.scales), weights.quantization.axis) == (8, 0)
    assert set(weights.quantization.zero_points) == {0}


def test_values_of_small_integer_constants():
    axes = by_name(read_graph(zoo_file("squeeze_excite")), "MEAN").inputs[1]
    assert (axes.dtype, axes.values) == ("int32", (1, 2))


def test_open_batch_size_is_seen():
    graph = read_graph(zoo_file("squeeze_excite", batch_size=None))
    image = graph.operators[0].inputs[0]
    assert (image.shape[0], image.dynamic) == (1, True)
    assert not read_graph(zoo_file("squeeze_excite")).operators[0].inputs[0].dynamic


def test_a_left_out_bias():
    # A Dense layer's bias of zeros is not written.
    dense = by_name(read_graph(zoo_file("attention")), "FULLY_CONNECTED")
    assert dense.inputs[2] is None
    assert dense.weight_bytes == 8 * 4 * 4


def test_macs_worked_out_by_hand():
    counts = [operator.macs for operator in read_graph(zoo_file("convolutions")).operators]
    same, pixels = 8 * 3 * 3 * 8, 8 * 8
    assert counts == [
        same * pixels,
        same * pixels,
        9 * 8 * pixels,
        9 * 16 * 16,  # depthwise, 4×4 pixels of 16 channels
        4 * 4 * 16 * 9 * 8,  # transposed: every input pixel goes into 9 × 8 outputs
        8 * 4 * pixels,
        0,
    ]


def test_macs_of_matrix_products_and_groups():
    assert [o.macs for o in read_graph(zoo_file("attention")).operators if o.macs] == [
        64 * 8 * 64,
        64 * 64 * 8,
        64 * 8 * 4,
    ]
    assert read_graph(zoo_file("grouped")).macs == 8 * 8 * 8 * 9 * 4


def test_macs_are_those_of_the_keras_model(files, model):
    (full,) = {read_graph(files[name].read_bytes()).macs for name in ("float32", "int8")}
    assert full == complexity(model).macs


@pytest.mark.parametrize("content", [b"", b"not a model at all"])
def test_no_model(content):
    with pytest.raises(ToolError, match="not a TFLite model"):
        read_graph(content)


def test_damaged_files_are_never_a_stack_trace():
    content = zoo_file("squeeze_excite", "int8")
    rng = random.Random(0)
    for _ in range(200):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(8, len(damaged))] = rng.randrange(256)
        length = rng.choice([len(damaged), rng.randrange(9, len(damaged))])
        with contextlib.suppress(ToolError):
            read_graph(bytes(damaged[:length]))
