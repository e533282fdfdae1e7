"""The rules of the delegate report against Qualcomm's compiler."""

import pytest
from support.operator_zoo import FURTHER, NETWORKS, zoo_file
from support.qairt import libraries, needs_compiler

from tflite_tools.delegates import delegate_report
from tflite_tools.errors import ToolError
from tflite_tools.model_graph import read_graph
from tflite_tools.npu import compile_for_soc

pytestmark = needs_compiler


@pytest.fixture
def compiled(tmp_path):
    def compile_content(content):
        path = tmp_path / "zoo.tflite"
        path.write_bytes(content)
        return compile_for_soc(path, "SM8350", sdk_libs=libraries())

    return compile_content


def predicted(content):
    return delegate_report(read_graph(content), "qnn-htp")


# Where no rule is known of an operator in float32 the report says so, and what it is sure of.
UNKNOWN = {("arithmetic", "float32"), ("pooling", "float32"), ("shapes", "float32")}
FAIL = {("activations", "float32"), ("activations", "int8")}
ZOO = [(name, precision) for name in NETWORKS | FURTHER for precision in ("float32", "int8")]


@pytest.mark.parametrize(
    ("network", "precision"),
    [
        *(pair for pair in ZOO if pair not in UNKNOWN | FAIL | {("rarer", "float32")}),
        *(("convolutions", precision) for precision in ("float16", "dynamic")),
        *(("large_weights", precision) for precision in ("float16", "dynamic")),
    ],
)
def test_what_is_predicted_is_what_is_taken(network, precision, compiled):
    content = zoo_file(network, precision)
    report, record = predicted(content), compiled(content)
    assert report.coverage != "unknown", report.verdict
    assert report.operators == record.offloaded
    assert len(report.partitions) == record.partitions
    refused = {(d.index, d.op) for d in report.decisions if d.status == "refused"}
    assert refused == {(operator.index, operator.op) for operator in record.refused}


@pytest.mark.parametrize(("network", "precision"), sorted(FAIL))
def test_what_is_predicted_to_fail_fails_there(network, precision, compiled):
    content = zoo_file(network, precision)
    report = predicted(content)
    assert report.coverage == "none"
    assert "ELU (operator" in report.verdict
    with pytest.raises(ToolError, match=r"takes operator \d+ \(ELU\) and then fails on it"):
        compiled(content)


@pytest.mark.parametrize(("network", "precision"), sorted(UNKNOWN))
def test_what_is_unknown_is_what_a_chip_without_float16_may_fail_on(network, precision, compiled):
    content = zoo_file(network, precision)
    report = predicted(content)
    unknown = {decision.index for decision in report.decisions if decision.status == "unknown"}
    with pytest.raises(ToolError, match="and then fails on it") as caught:
        compiled(content)
    assert any(f"takes operator {index} " in str(caught.value) for index in unknown)
