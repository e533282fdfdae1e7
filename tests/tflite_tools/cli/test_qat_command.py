"""`tflite-tools qat` as a user runs it."""

import json

import numpy as np
import pytest

MISSING = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "tf_keras" else found(name, *rest)
from tflite_tools.cli import main
sys.argv[0] = "tflite-tools"
main()
"""


@pytest.fixture(scope="module")
def dataset(samples, expected, tmp_path_factory):
    path = tmp_path_factory.mktemp("dataset") / "data.npz"
    np.savez(path, x=samples, y=expected.argmax(-1))
    return path


def refusal(process):
    assert process.returncode == 2, process.stderr
    assert process.stdout == ""
    (line,) = process.stderr.splitlines()
    return line


def test_it_writes_the_file_and_reports_as_json(run_cli, keras_file, dataset, tmp_path):
    out = tmp_path / "out"
    process = run_cli(
        *("qat", keras_file, "--dataset", dataset, "-o", out, "--epochs", 2, "--json"),
        *("--name", "mine", "--int8-io", "float32", "--batch-size", 8, "--seed", 5),
    )
    assert process.returncode == 0, process.stderr
    report = json.loads(process.stdout)
    assert report["file"] == str(out / "mine_int8_qat.tflite")
    assert report["settings"] == {"epochs": 2, "learning_rate": 1e-4, "batch_size": 8, "seed": 5}
    assert report["size_bytes"] == (out / "mine_int8_qat.tflite").stat().st_size
    assert report["trained_on"] == f"45 samples of {dataset}"
    assert {"QUANTIZE", "DEQUANTIZE"} <= set(report["ops"])  # at its float ends
    # Progress, and nothing of TensorFlow.
    lines = process.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 0", "epoch 1", "epoch 2"]
    assert lines[0].endswith("(before training)")
    assert "top-1" in lines[1]


def test_missing_packages_are_one_line_that_says_what_to_install(run_python, keras_file, tmp_path):
    process = run_python("-c", MISSING, "qat", keras_file, "--dataset", "x.npy", "-o", tmp_path)
    line = refusal(process)
    assert "needs tf_keras" in line
    assert line.endswith("pip install 'keras-finet[qat]'")


def test_a_data_set_that_is_not_there_is_one_line(run_cli, keras_file, tmp_path):
    process = run_cli("qat", keras_file, "--dataset", "nowhere.npz", "-o", tmp_path / "out")
    assert "training data: no such file or folder: nowhere.npz" in refusal(process)
    assert not (tmp_path / "out").exists()


def test_a_broken_model_file_is_one_line(run_cli, truncated_keras_file, dataset, tmp_path):
    process = run_cli("qat", truncated_keras_file, "--dataset", dataset, "-o", tmp_path)
    assert "truncated" in refusal(process)
