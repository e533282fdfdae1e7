"""Files that are damaged inside, where the structure that LiteRT checks is whole."""

import os
import random
import shutil
import sys

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from tflite_tools import trial
from tflite_tools.errors import ToolError
from tflite_tools.trial import check_runs


@pytest.fixture
def damaged(files, tmp_path):
    """Function that writes the int8 file with one change to what stands in it."""

    def write(change):
        content = files["int8"].read_bytes()
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        change(model.subgraphs[0])
        builder = flatbuffers.Builder(len(content))
        builder.Finish(model.Pack(builder), b"TFL3")
        path = tmp_path / "damaged.tflite"
        path.write_bytes(builder.Output())
        return path

    return write


def test_sound_files_pass(files, damaged):
    for file in (*files.values(), damaged(lambda graph: None)):
        check_runs(file)


def _without_scales(graph):
    """XNNPACK aborts the process."""
    *_, last = (tensor for tensor in graph.tensors if list(tensor.shape) == [1, 8, 8, 8])
    last.quantization.scale = last.quantization.zeroPoint = None


def _with_a_wrong_name(graph):
    graph.tensors[graph.inputs[0]].name = b"\xff\xfe"


def _with_a_huge_shape(graph):
    graph.tensors[graph.inputs[0]].shape = [1, 60_000, 60_000, 3]


def _with_a_missing_tensor(graph):
    graph.operators[0].inputs = [12_345, 1, 2]


def _with_two_outputs(graph):
    graph.outputs = [*graph.outputs, graph.operators[0].outputs[0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_scales, r"LiteRT crashes on loading or running it \(SIGABRT\)"),
        (_with_a_wrong_name, "LiteRT cannot run it .UnicodeDecodeError"),
        (_with_a_huge_shape, "the LiteRT interpreter cannot prepare the model|MemoryError|crashes"),
        (_with_a_missing_tensor, "cannot prepare the model: Invalid tensor index 12345"),
        (_with_two_outputs, "expected a model with one output, got 2"),
    ],
)
def test_what_would_crash_or_fail_is_one_line(damaged, change, message):
    path = damaged(change)
    with pytest.raises(ToolError, match=rf"damaged\.tflite: .*({message})") as caught:
        check_runs(path)
    assert "\n" not in str(caught.value)


def test_no_damage_reaches_this_process(files, tmp_path):
    """Whatever the damage: a file passes and runs here, or it is one line."""
    from tflite_tools.evaluation import load_models

    content = files["int8"].read_bytes()
    messages = []
    for seed in range(12):
        generator = random.Random(seed)
        start = generator.randrange(8, len(content))
        length = generator.choice([1, 1, 4, 100, 300])
        path = tmp_path / f"{seed}.tflite"
        path.write_bytes(content[:start] + generator.randbytes(length) + content[start + length :])
        try:
            (model,) = load_models([path])
        except ToolError as error:
            messages.append(str(error))
        else:
            model.predict([[[[0.0] * 3] * 16] * 16])
    assert 0 < len(messages) < 12
    for message in messages:
        assert message.startswith(str(tmp_path))
        assert "\n" not in message


@pytest.fixture
def nothing_tried():
    trial._failure.cache_clear()
    yield
    trial._failure.cache_clear()


@pytest.mark.usefixtures("nothing_tried")
def test_a_file_is_tried_once(files, monkeypatch):
    runs = []
    monkeypatch.setattr(trial, "run_in_worker", lambda *task: runs.append(task))
    check_runs(files["float32"])
    check_runs(files["float32"])
    assert len(runs) == 1


@pytest.mark.skipif(os.name != "posix", reason="a signal ends it")
@pytest.mark.usefixtures("nothing_tried")
def test_a_file_that_never_loads(files, monkeypatch):
    monkeypatch.setattr(trial, "_SECONDS", 0.001)
    with pytest.raises(ToolError, match=r"LiteRT takes more than 0\.001 s to load and run it"):
        check_runs(files["float32"])


@pytest.mark.usefixtures("nothing_tried")
def test_a_process_that_does_not_start(files, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ToolError, match=r"LiteRT cannot be tried on it: .* exit code 1"):
        check_runs(files["float32"])


def test_a_missing_file(tmp_path):
    with pytest.raises(ToolError, match=r"missing\.tflite: expected a readable"):
        check_runs(tmp_path / "missing.tflite")
