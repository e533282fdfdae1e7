"""Memory and loading in a fresh process, against files whose needs are known."""

import sys

import keras
import pytest

from tflite_tools import convert
from tflite_tools.host import child
from tflite_tools.worker import run_in_worker

MB = 10**6


@pytest.fixture(scope="module")
def heavy_file(tmp_path_factory):
    """A file whose run needs two tensors of 25.7 MB at the same time, and hardly any weights."""
    image = keras.Input((896, 896, 1))
    wide = keras.layers.Conv2D(8, 1, activation="tanh")(image)
    model = keras.Model(image, keras.layers.GlobalMaxPooling2D()(keras.layers.ReLU()(wide)))
    folder = tmp_path_factory.mktemp("heavy")
    report = convert(model, folder, precisions=["float32"], batch_size=1)
    return report.records[0].file


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
def test_peak_memory_is_that_of_the_file(files, heavy_file):
    small = run_in_worker(child.load_and_run, {"path": str(files["int8"]), "num_threads": 1})
    heavy = run_in_worker(child.load_and_run, {"path": str(heavy_file), "num_threads": 2})
    assert 0 < small["peak_memory_mb"] < 10
    needed = 896 * 896 * 8 * 4 / MB
    assert needed < heavy["peak_memory_mb"] < 5 * needed
    assert heavy["init_ms"] > 0


def test_where_the_peak_cannot_be_had(files, monkeypatch, tmp_path):
    monkeypatch.setattr(child, "_PROCESS", tmp_path / "none")
    found = child.load_and_run(str(files["int8"]), 1)
    assert found["peak_memory_mb"] is None
    assert found["init_ms"] > 0
