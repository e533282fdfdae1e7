"""Files with loops: what stands in other subgraphs is neither judged nor counted, and named."""

import json

import pytest
from support.odd_files import any_size_file, lstm_file, volume_file, while_file

from tflite_tools import inspect_model
from tflite_tools.delegates import DELEGATES, delegate_report
from tflite_tools.host import benchmark_host
from tflite_tools.host.delegation import ops_not_taken
from tflite_tools.inspection_report import InspectionReport
from tflite_tools.interpreter import LiteModel
from tflite_tools.model_graph import read_graph


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("delegate", list(DELEGATES))
def test_a_loop_leaves_open_what_a_delegate_takes(delegate):
    found = delegate_report(read_graph(while_file()), delegate)
    assert (found.coverage, found.operators, found.mac_share) == ("unknown", 0, None)
    assert found.not_judged == ("WHILE",)
    assert found.verdict.endswith("of the main graph alone: what WHILE runs is not judged")


def test_the_share_of_macs_is_unknown_beside_a_loop():
    graph = read_graph(lstm_file())
    assert graph.macs == 64 * 4
    found = delegate_report(graph, "xnnpack")
    assert (found.coverage, found.mac_share) == ("partial", None)
    assert "% of the MACs" not in found.verdict


def test_inspect_says_what_it_does_not_count(written):
    report = InspectionReport((inspect_model(written(lstm_file())),))
    text = " ".join(str(report).split())
    assert "operators of the main graph" in text
    assert "There are more MACs: what WHILE runs is not counted." in text
    assert "100.0%" not in text
    assert json.loads(report.to_json())["models"][0]["not_counted"] == ["WHILE"]


def test_xnnpack_on_this_machine_is_not_said_to_take_nothing(written):
    total, (loop,) = ops_not_taken(LiteModel(written(while_file())))
    assert (total, loop.op, loop.runs_subgraphs) == (1, "WHILE", True)


def test_macs_of_images_of_any_size(written):
    report = InspectionReport((inspect_model(written(any_size_file())),))
    text = " ".join(str(report).split())
    assert "MACs for an input of (1, 1, 1, 4): larger ones need more." in text
    assert report.models[0].counted_shapes == ((1, 1, 1, 4),)


def test_times_of_images_of_any_size(written):
    report = benchmark_host([written(any_size_file())], rounds=1, warmup=0)
    assert report.records[0].measured_shape == (1, 1, 1, 4)
    (line,) = (line for line in report.complaints() if "any size" in line)
    assert line.endswith("was measured with one of (1, 1, 1, 4): larger ones take longer.")


@pytest.mark.parametrize("content", [volume_file, while_file])
def test_no_delegate_is_recommended_that_takes_nothing(content, written):
    report = inspect_model(written(content()))
    assert report.target.recommended is None
    assert "none to try with this float32 file" in " ".join(
        str(InspectionReport((report,))).split()
    )


def test_where_no_share_is_known_the_one_that_takes_more_operators_comes_first(written):
    assert inspect_model(written(lstm_file())).target.recommended == "xnnpack"
