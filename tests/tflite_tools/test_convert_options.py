import inspect

import numpy as np
import pytest

from tflite_tools import convert
from tflite_tools.errors import ToolError

module = inspect.getmodule(convert)


def files_in(folder):
    """Hidden ones included: a half-written file is hidden."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


NAN = np.full((4, 16, 16, 3), np.nan, "float32")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precisions": ["float32", "int4"]}, "expected one or more of float32.*got int4"),
        ({"precisions": []}, "precision: expected one or more.*got none"),
        ({"precisions": ["float32", "int8"]}, "int8 needs calibration data"),
        ({"int8_io": "int4"}, "int8_io: expected one of int8, uint8, float32, got int4"),
        ({"target": "tpu"}, "target: expected one of cpu, gpu, nnapi, got tpu"),
        ({"batch_size": 0}, "batch_size: expected a whole number from 1, got 0"),
        ({"batch_size": 1.5}, r"batch_size: expected a whole number from 1, got 1\.5"),
        ({"name": "a/b"}, "name: expected .* file name without folders.* got 'a/b'"),
        ({"name": ""}, "name: expected a printable file name"),
        ({"name": "x" * 300}, "name: expected a printable file name .* of at most 200 bytes"),
        ({"name": "a\0b"}, "name: expected a printable file name"),
        ({"name": 5}, "name: expected a printable file name.*got '5'"),
        ({"precisions": None}, "precision: expected one or more of .* got None"),
        ({"precisions": 5}, "precision: expected one or more of .* got 5"),
        ({"calibration_samples": "3"}, "calibration data: expected 1 or more samples, .* '3'"),
        ({"calibration_samples": 1.5}, r"calibration data: expected 1 or more samples, .* 1\.5"),
        ({"calibration": NAN}, "calibration data: NaN or infinity in 4 of 4 samples"),
        ({"calibration": NAN[..., :1]}, r"calibration data: .*got \(4, 16, 16, 1\)"),
        ({"calibration": NAN[:0]}, "calibration data: expected at least one sample"),
        ({"calibration": "missing.npy"}, "calibration data: no such file"),
        ({"calibration": [], "preprocessing": "caffe"}, "preprocessing: expected one of"),
        ({"inputs": NAN}, "inputs: NaN or infinity"),
        ({"inputs": "missing.npy"}, "inputs: no such file"),
    ],
)
def test_wrong_options_leave_nothing_behind(model, tmp_path, options, message):
    with pytest.raises(ToolError, match=message):
        convert(model, tmp_path / "out", **options)
    assert files_in(tmp_path) == []


def test_the_output_folder_is_checked_before_the_work(model, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "deployed_graph", lambda *_: pytest.fail("too late"))
    for folder in (tmp_path / "missing" / "out", "/proc/self"):
        with pytest.raises(ToolError, match="output folder"):
            convert(model, folder)


@pytest.mark.parametrize("wrong", ["", None, 5])
def test_what_is_no_output_folder(model, tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ToolError, match="output folder: expected a path, got"):
        convert(model, wrong)
    assert files_in(tmp_path) == []


LONG = "x" * 300


@pytest.mark.parametrize(
    "options",
    [{"model": f"{LONG}.keras"}, {"calibration": f"{LONG}.npy"}, {"output_dir": LONG}],
    ids=lambda options: next(iter(options)),
)
def test_paths_too_long_for_the_system(model, tmp_path, options):
    with pytest.raises(
        ToolError, match=r"x: cannot make|x\.keras: no such file|: no such file .*x\.npy"
    ):
        convert(**{"model": model, "output_dir": tmp_path, **options})


@pytest.mark.parametrize("wrong", [7, [1, 2], None])
def test_what_is_no_model(tmp_path, wrong):
    with pytest.raises(ToolError, match=r"model: expected a Keras model or the path"):
        convert(wrong, tmp_path / "out")
    assert files_in(tmp_path) == []
