import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHAPE = (16, 16, 3)


def files_in(folder):
    """All files but the records beside the models, which `test_convert` counts."""
    found = (path.name for path in folder.rglob("*"))
    return sorted(name for name in found if not name.endswith(".tflite.json"))


@pytest.fixture(scope="module")
def image_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 20, 24, 3), "uint8")
    pixels[:2] = [[[[0]]], [[[255]]]]  # one black image, one white: the whole range
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def array_file(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("arrays") / "samples.npy"
    np.save(path, samples)
    return path


def test_the_command_of_the_readme(run_cli, keras_file, image_folder, array_file, tmp_path):
    precisions = ("--precision", "float32", "float16", "int8")
    sources = ("--calibration", image_folder, "--inputs", array_file)
    result = run_cli("convert", keras_file, "-o", tmp_path / "out", *precisions, *sources)
    assert (result.returncode, result.stderr) == (0, "")
    assert files_in(tmp_path / "out") == [
        "saved_float16.tflite",
        "saved_float32.tflite",
        "saved_int8.tflite",
    ]
    lines = result.stdout.splitlines()
    assert lines[0].strip().startswith("Files in")
    assert lines[-1].strip().startswith("In float16 files")
    assert "Compared with the Keras model on the 50 given inputs." in result.stdout
    assert "int8 calibrated on 12 samples with values from -2.12 to 2.64:" in result.stdout


def test_json_is_all_that_is_printed(run_cli, keras_file, array_file, tmp_path):
    result = run_cli(
        *("convert", "--precision", "float32", "--precision=int8", keras_file),
        *("--output", tmp_path, "--calibration", array_file, "--calibration-samples", 8),
        *("--int8-io", "float32", "--batch-size", 2, "--name", "pair", "--json"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert [record["file"] for record in report["records"]] == [
        str(tmp_path / "pair_float32.tflite"),
        str(tmp_path / "pair_int8.tflite"),
    ]
    assert report["records"][1]["ops"]["QUANTIZE"] == 1
    assert report["calibration"]["samples"] == 8
    assert report["calibration"]["source"] == str(array_file)
    assert report["calibration"]["warnings"] == []


def test_verbose_shows_what_tensorflow_prints(run_cli, keras_file, tmp_path):
    options = ("--precision", "float32", "--target", "gpu", "--json", "--verbose")
    result = run_cli("convert", keras_file, "-o", tmp_path, *options)
    assert result.returncode == 0
    assert "cpu_feature_guard" in result.stderr or "tensorflow" in result.stderr.lower()
    assert files_in(tmp_path) == ["saved_float32.tflite"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_report_that_cannot_be_printed(run_cli, keras_file, tmp_path, options):
    with Path("/dev/full").open("w") as full:
        result = run_cli("convert", keras_file, "-o", tmp_path, *options, stdout=full)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "tflite-tools: the files are written, but the report cannot be" in result.stderr
    assert files_in(tmp_path) == ["saved_float32.tflite"]


def assert_refused(result, *messages):
    """One message on stderr, exit code 2, nothing else."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for message in messages:
        assert message in result.stderr
    assert result.stderr.count("tflite-tools: ") == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["missing.keras"], ["missing.keras: no such file"]),
        (["truncated.keras"], ["truncated.keras: not a .keras file, or a truncated one"]),
        (["text.keras"], ["text.keras: not a .keras file"]),
        (["whole.keras", "-o", "text.keras"], ["text.keras: expected an output folder, got a"]),
        (["whole.keras", "-o", ""], ["output folder: expected a path, got ''"]),
        (["whole.keras", "-o", "a/b"], ["a/b: cannot make the output folder"]),
        (["whole.keras", "-o", "/proc/self"], ["cannot write to the output folder"]),
        (["whole.keras", "--precision", "int8"], ["int8 needs calibration data"]),
        (["whole.keras", "--precision", "float32", "int4"], ["got int4"]),
        (
            ["whole.keras", "--calibration", "missing"],
            ["missing: no such file or folder, and TFDS"],
        ),
        (
            ["whole.keras", "--calibration", "text.keras"],
            ["a folder of images or the name of a TFDS"],
        ),
        (["whole.keras", "--int8-io", "int4"], ["int8_io: expected one of int8, uint8, float32"]),
        (["whole.keras", "--batch-size", "0"], ["batch_size: expected a whole number from 1"]),
        # These need the model and are found after it was loaded.
        (["whole.keras", "--calibration", "nan.npy"], ["nan.npy: NaN or infinity in 1 of 3"]),
        (["whole.keras", "--calibration", "shape.npy"], ["shape.npy: expected shape"]),
        (["subclassed.keras"], ["subclassed.keras: expected a functional"]),
    ],
)
def test_bad_input(run_cli, folder_of_bad_files, tmp_path, arguments, messages):
    folder = tmp_path / "work"
    shutil.copytree(folder_of_bad_files, folder)
    before = files_in(folder)
    model, *options = arguments
    if "-o" not in options:
        options = ["-o", "out", *options]
    assert_refused(run_cli("convert", model, *options, cwd=folder), *messages)
    assert files_in(folder) == before


@pytest.fixture(scope="module")
def folder_of_bad_files(keras_file, truncated_keras_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    shutil.copy(keras_file, folder / "whole.keras")
    shutil.copy(truncated_keras_file, folder)
    (folder / "text.keras").write_text("not a model")
    samples = np.zeros((3, *SHAPE))
    np.save(folder / "shape.npy", samples[..., :1])
    samples[1, 2, 3, 0] = np.nan
    np.save(folder / "nan.npy", samples)
    _save_subclassed(folder / "subclassed.keras")
    return folder


def _save_subclassed(path):
    import keras

    class Subclassed(keras.Model):
        def __init__(self, **arguments):
            super().__init__(**arguments)
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    model = Subclassed()
    model(np.zeros((1, 4)))
    model.save(path)


def test_a_backend_that_does_not_exist(run_cli, keras_file, tmp_path):
    result = run_cli("convert", keras_file, "-o", tmp_path / "out", env={"KERAS_BACKEND": "none"})
    assert_refused(result, "does not import on the backend none", "unset KERAS_BACKEND")
    assert not (tmp_path / "out").exists()
