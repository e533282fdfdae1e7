from pathlib import Path

import numpy as np
import pytest

import tflite_tools
from tflite_tools.errors import ToolError
from tflite_tools.paths import checked_path, checked_paths


def test_one_path_or_several():
    assert checked_path("a b", what="file") == Path("a b")
    assert checked_paths("a.tflite", what="files") == [Path("a.tflite")]
    assert checked_paths(iter(["a", Path("b")]), what="files") == [Path("a"), Path("b")]


@pytest.mark.parametrize("values", [None, 5, [5], [None], b"a", [["a"]]])
def test_what_is_no_path(values):
    with pytest.raises(ToolError, match="files: expected a path, got a value of type"):
        checked_paths(values, what="files")


def test_no_paths():
    with pytest.raises(ToolError, match="files: expected one or more, got none"):
        checked_paths([], what="files")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"files": [5]}, "expected a path"),
        ({"files": None}, "expected a path"),
        ({"workers": 1.5}, "workers: expected 1 or more, got 1.5"),
        ({"min_accuracy": "97%"}, "min_accuracy: expected a share from 0 to 1"),
        ({"min_accuracy": 97}, "min_accuracy: expected a share .* got 97"),
        ({"min_agreement": float("nan"), "reference": "m"}, "min_agreement: .* got nan"),
        ({"reference": 5}, "reference: expected a Keras model or the path"),
        ({"preprocessing": ""}, "preprocessing: expected one of"),
    ],
)
def test_values_of_other_types_are_one_message(files, samples, options, message):
    arguments = {"files": [files["float32"]], "dataset": (samples, np.zeros(50, int)), **options}
    with pytest.raises(ToolError, match=message):
        tflite_tools.evaluate_files(**arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": ["cpu"]}, "target: expected one of"),
        ({"model_card": 5}, "model card: expected a path"),
        ({"preprocessing": ""}, "preprocessing: expected one of"),
        ({"int8_io": ""}, "int8_io: expected one of"),
    ],
)
def test_options_of_convert(model, tmp_path, options, message):
    with pytest.raises(ToolError, match=message):
        tflite_tools.convert(model, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_place_of_the_record(model, tmp_path):
    (tmp_path / "small_float32.tflite.json").mkdir()
    with pytest.raises(ToolError, match="expected a file or nothing there, got a folder"):
        tflite_tools.convert(model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["small_float32.tflite.json"]
