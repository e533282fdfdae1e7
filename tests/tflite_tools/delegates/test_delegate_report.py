"""What each delegate would do with small networks, worked out by hand from its source."""

from dataclasses import replace

import pytest
from support.operator_zoo import zoo_file

from tflite_tools.delegates import DELEGATES, delegate_report
from tflite_tools.model_graph import read_graph


@pytest.fixture(scope="module")
def graph():
    return lambda *arguments, **options: read_graph(zoo_file(*arguments, **options))


def refused(report):
    return {d.op: d for d in report.decisions if d.status == "refused"}


@pytest.mark.parametrize("delegate", [name for name in DELEGATES if name != "hexagon"])
def test_a_plain_network_in_float_is_taken_whole(graph, delegate):
    found = delegate_report(graph("squeeze_excite"), delegate)
    if delegate == "nnapi-27":  # MEAN begins with level 28
        assert {d.op for d in found.decisions if d.status == "refused"} == {"MEAN"}
        assert found.coverage == "partial"
    else:
        assert (found.coverage, found.mac_share, len(found.partitions)) == ("full", 1, 1)
        assert found.verdict == "takes all 9 operators in 1 partition, 100.0% of the MACs"


def test_int8_leaves_xnnpack_at_hard_swish_and_softmax(graph):
    found = delegate_report(graph("activations", "int8"), "xnnpack")
    assert refused(found)["HARD_SWISH"].rule == "HARD_SWISH.dtypes"
    assert refused(found)["HARD_SWISH"].reason == "input 0 is int8; expected float32, float16"
    assert refused(found)["SOFTMAX"].source.endswith("xnnpack_delegate.cc:6022-6047")
    assert found.coverage == "partial"
    assert "not: GELU×1, HARD_SWISH×1, PRELU×1, RELU×1, SOFTMAX×1" in found.verdict


def test_nnapi_takes_int8_convolutions_from_level_29(graph):
    found = {
        n: delegate_report(graph("hard_swish_between", "int8"), f"nnapi-{n}") for n in (28, 29)
    }
    assert refused(found[28])["CONV_2D"].reason == "input 0 is int8; expected float32, uint8"
    assert refused(found[28])["MEAN"].reason == "input 0 is int8; expected float32"
    assert found[28].mac_share == 0
    assert found[29].coverage == "full"


def test_nnapi_fails_on_dense_weights_with_many_scales(graph):
    found = delegate_report(graph("squeeze_excite", "int8"), "nnapi-30")
    assert found.coverage == "none"
    assert found.partitions == ()
    assert "everything runs on the CPU: FULLY_CONNECTED" in found.verdict
    assert [d.op for d in found.decisions if d.fatal] == ["FULLY_CONNECTED"]


def test_nnapi_refuses_the_converters_grouped_convolution(graph):
    found = delegate_report(graph("grouped"), "nnapi-31")
    assert refused(found)["CONV_2D"].reason == "is version 6; the delegate knows CONV_2D up to 5"
    assert found.coverage == "none"


def test_opengl_accepts_a_grouped_convolution_and_then_fails(graph):
    assert delegate_report(graph("grouped"), "gpu-opencl").coverage == "full"
    found = delegate_report(graph("grouped"), "gpu-opengl")
    assert found.coverage == "none"
    assert found.verdict.startswith("fails when it is set up")
    assert found.decisions[0].source.endswith("gl/kernels/conv.cc:51-54")


@pytest.mark.parametrize("delegate", ["gpu-opencl", "gpu-opengl", "nnapi-31"])
@pytest.mark.parametrize("network", ["attention", "convolutions", "large_weights"])
def test_an_open_batch_size_can_make_a_delegate_fail(graph, network, delegate):
    found = delegate_report(graph(network, batch_size=None), delegate)
    assert (found.coverage, found.partitions, found.mac_share) == ("none", (), 0)
    assert "is known only when the model runs" in found.verdict
    assert "subgraph.cc" in found.verdict
    assert "SHAPE" in refused(found)


def test_an_open_batch_size_need_not(graph):
    found = delegate_report(graph("squeeze_excite", batch_size=None), "gpu-opencl")
    assert found.coverage == "full"


def test_only_the_largest_partition_runs_on_the_gpu(graph):
    found = delegate_report(graph("shapes"), "gpu-opencl")
    assert len(found.partitions) == found.dropped_partitions == 1
    assert found.partitions[0].operators == tuple(range(11))


def test_five_axes_are_too_many_for_the_gpu(graph):
    found = delegate_report(graph("shapes"), "gpu-opencl")
    five = [d for d in found.decisions if d.reason == "has an operand with 5 axes; at most 4"]
    assert [d.op for d in five] == ["RESHAPE", "TRANSPOSE", "RESHAPE"]
    assert five[0].source == "tflite/delegates/gpu/common/model_builder.cc:3055-3078, 3305-3357"


def test_float16_weights_are_folded(graph):
    for delegate in ("xnnpack", "gpu-opencl", "nnapi-30"):
        found = delegate_report(graph("squeeze_excite", "float16"), delegate)
        assert found.coverage == "full", found.verdict
        assert found.operators == 14


def test_float16_weights_stay_unpacked_on_the_cpu_if_the_gpu_leaves_an_operator(graph):
    found = delegate_report(graph("shapes", "float16"), "gpu-opencl")
    assert found.coverage == "partial"
    unpacking = [d for d in found.decisions if d.op == "DEQUANTIZE"]
    assert all(d.status == "refused" and d.rule == "DEQUANTIZE.unpacks" for d in unpacking)


def test_hexagon_takes_integers_only(graph):
    found = delegate_report(graph("squeeze_excite"), "hexagon")
    assert (found.coverage, found.operators, found.mac_share) == ("none", 0, 0)
    found = delegate_report(graph("squeeze_excite", "int8"), "hexagon")
    assert refused(found)["FULLY_CONNECTED"].rule == "FULLY_CONNECTED.per_tensor"
    assert found.coverage == "partial"
    # SOFTMAX alone behind it is too small a partition: at least two operators.
    assert (len(found.partitions), found.dropped_partitions) == (1, 1)


def test_what_no_public_rule_decides_is_unknown(graph):
    found = delegate_report(graph("pooling"), "qnn-htp")
    unknown = [d for d in found.decisions if d.status == "unknown"]
    assert {d.op for d in unknown} == {"AVERAGE_POOL_2D"}
    assert found.coverage == "unknown"
    assert found.verdict.startswith("takes at least 12 of 13 operators")


def test_qnn_refuses_int8_weights_with_float_activations(graph):
    found = delegate_report(graph("large_weights", "dynamic"), "qnn-htp")
    assert set(refused(found)) == {"CONV_2D", "DEPTHWISE_CONV_2D"}
    assert found.operators == 2


def test_a_custom_operator_is_unknown_to_all(graph):
    whole = graph("squeeze_excite")
    custom = replace(whole.operators[0], name="CUSTOM:Ours")
    for delegate in DELEGATES:
        report = delegate_report(replace(whole, operators=(custom, *whole.operators[1:])), delegate)
        assert report.decisions[0].status == "unknown"
        assert report.coverage == "unknown"


def test_a_newer_version_is_refused(graph):
    whole = graph("grouped")
    newer = replace(whole.operators[0], version=7)
    (decision,) = delegate_report(replace(whole, operators=(newer,)), "gpu-opencl").decisions
    assert decision.rule == "CONV_2D.max_version"


def test_a_graph_without_operators():
    from tflite_tools.model_graph import ModelGraph

    report = delegate_report(ModelGraph((), (0,), (0,), 1), "xnnpack")
    assert (report.coverage, report.mac_share, report.partitions) == ("full", None, ())
