"""The same files from every backend: on others than TensorFlow a worker converts.

On TensorFlow these tests send the work to a worker all the same.
"""

import keras
import numpy as np
import pytest

from tflite_tools import convert
from tflite_tools.converter import tflite_contents
from tflite_tools.deploy import deployed_graph
from tflite_tools.errors import ToolError
from tflite_tools.quantize import Quantization

layers = keras.layers
PRECISIONS = ("float32", "float16", "int8")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    if keras.backend.backend() == "tensorflow":
        monkeypatch.setattr(keras.backend, "backend", lambda: "another")


def test_all_precisions_from_this_backend(model, samples, expected, tmp_path, capfd):
    report = convert(model, tmp_path, precisions=PRECISIONS, calibration=samples)
    errors = {record.precision: record.evaluation.max_abs_error for record in report.records}
    assert errors["float32"] <= 1e-5
    assert errors["float16"] <= 5e-3
    assert 1e-5 < errors["int8"] <= 0.1
    assert all(record.evaluation.agreement >= 0.9 for record in report.records)
    assert capfd.readouterr() == ("", "")


def test_from_a_file(keras_file, tmp_path):
    report = convert(keras_file, tmp_path)
    assert report.records[0].evaluation.max_abs_error <= 1e-5


def test_the_settings_reach_the_worker(model, samples, tmp_path):
    graph = deployed_graph(model)
    settings = Quantization(samples, int8_io="float32")
    (content,) = tflite_contents(graph, ["int8"], batch_size=3, quantization=settings)
    (tmp_path / "file.tflite").write_bytes(content)
    from tflite_tools.interpreter import LiteModel

    lite = LiteModel(tmp_path / "file.tflite")
    assert (lite.batch_size, lite.input_dtype) == (3, np.float32)


def test_what_fails_there_arrives_here_after_what_did_not():
    vector = keras.Input((4,))
    model = keras.Model(vector, keras.ops.erfinv(layers.Dense(2)(vector)), name="special")
    with pytest.raises(ToolError, match=r"special: TensorFlow Lite cannot .* it uses Erfinv"):
        list(tflite_contents(deployed_graph(model), ["float32"]))
    loop = keras.Sequential([keras.Input((5, 2)), layers.SimpleRNN(3)], name="loop")
    settings = Quantization(np.ones((1, 5, 2), "float32"))
    contents = tflite_contents(deployed_graph(loop), ["float32", "int8"], quantization=settings)
    assert next(contents)[4:8] == b"TFL3"
    with pytest.raises(ToolError, match="loop: post-training int8 takes feed-forward graphs only"):
        next(contents)


def test_a_batch_that_the_layers_do_not_take():
    vector = keras.Input((4,), batch_size=8)
    static = keras.Model(vector, layers.Dense(2)(keras.ops.reshape(vector, (8, -1))), name="eight")
    with pytest.raises(ToolError, match=r"eight: .*batches of 8.*Convert it with batch_size=8"):
        list(tflite_contents(deployed_graph(static), ["float32"]))
