"""What XNNPACK did not take, against the rules that are themselves tested on the interpreter."""

from collections import Counter

import pytest
from support.operator_zoo import zoo_file

from tflite_tools.delegates import delegate_report
from tflite_tools.host.delegation import ops_not_taken
from tflite_tools.interpreter import LiteModel
from tflite_tools.model_graph import read_graph


@pytest.mark.parametrize(
    ("network", "precision", "left"),
    [
        ("activations", "float32", 0),
        ("activations", "int8", 5),
        ("convolutions", "float16", 0),
        ("hard_swish_between", "int8", 1),
        ("large_weights", "dynamic", 1),
        ("squeeze_excite", "float32", 0),
    ],
)
def test_what_the_interpreter_left_is_what_the_rules_refuse(network, precision, left, tmp_path):
    content = zoo_file(network, precision)
    path = tmp_path / "zoo.tflite"
    path.write_bytes(content)
    total, others = ops_not_taken(LiteModel(path))
    decisions = delegate_report(read_graph(content), "xnnpack").decisions
    refused = Counter((d.op, d.reason) for d in decisions if d.status != "taken")
    assert {(ops.op, ops.reason): ops.count for ops in others} == refused
    assert total == len(decisions)
    assert sum(ops.count for ops in others) == left


def test_the_interpreter_is_believed_before_the_rules(tmp_path, monkeypatch):
    path = tmp_path / "zoo.tflite"
    path.write_bytes(zoo_file("squeeze_excite"))
    model = LiteModel(path)
    monkeypatch.setattr(model, "delegate_nodes", lambda: ())
    total, others = ops_not_taken(model)
    assert sum(ops.count for ops in others) == total
    assert {ops.reason for ops in others} == {"the rules known here do not say why"}
