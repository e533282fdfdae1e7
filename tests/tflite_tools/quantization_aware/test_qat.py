"""The whole of it: an int8 file, its figures and its history."""

import hashlib
import json

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers
from support.dead_channels import classifier, labelled_images

import tflite_tools
from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel
from tflite_tools.metadata import read_metadata
from tflite_tools.provenance import array_hash, read_provenance

CLEAN = """
import os, sys
import numpy as np
import tflite_tools
with np.load(sys.argv[2]) as data:
    report = tflite_tools.qat(sys.argv[1], sys.argv[3], data["x"], data["y"], epochs=1)
packages = {name.split(".")[0] for name in sys.modules}
legacy = [name for name in ("tf_keras", "tensorflow_model_optimization") if name in packages]
print(report.chosen, legacy, os.environ.get("TF_USE_LEGACY_KERAS"))
"""


def figures(report):
    return {each.network: each for each in report.figures}


def test_the_file_is_int8_throughout_and_does_what_the_report_says(report, held_back):
    details = Interpreter(model_path=str(report.file))
    details.allocate_tensors()
    types = {np.dtype(each["dtype"]) for each in details.get_tensor_details()}
    assert types <= {np.dtype("int8"), np.dtype("int32")}
    assert report.file.name == "striped_int8_qat.tflite"
    assert report.size_bytes == report.file.stat().st_size
    assert report.ops == {
        "CONV_2D": 4,
        "DEPTHWISE_CONV_2D": 1,
        "MEAN": 2,
        "ADD": 1,
        "FULLY_CONNECTED": 1,
        "LOGISTIC": 1,
        "MUL": 1,
        "SOFTMAX": 1,
    }

    images, labels = held_back
    chosen = LiteModel(report.file).predict(images).argmax(-1)
    assert report.chosen == "qat"
    assert figures(report)["qat"].top1 == np.mean(chosen == labels)


def test_the_file_says_where_it_comes_from(report, train_set):
    content = report.file.read_bytes()
    record = read_provenance(content)
    assert record["source"]["name"] == "striped"
    recipe = record["recipe"]
    assert (recipe["epochs"], recipe["seed"], recipe["network"]) == (3, 3, "qat")
    assert recipe["best_epoch"] == report.best_epoch
    assert recipe["images"] == "given ndarray"
    assert record["calibration"]["sha256"] == array_hash(train_set[0])
    assert record["verification"]["mean_abs_error"] == figures(report)["qat"].mean_abs_error
    beside = json.loads(report.file.with_name(f"{report.file.name}.json").read_text())
    assert beside["file"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert read_metadata(content).name == "striped"


def test_the_float_figures_are_the_keras_models(report, trained_model, held_back):
    images, labels = held_back
    chosen = np.asarray(trained_model(images)).argmax(-1)
    assert figures(report)["float"].top1 == np.mean(chosen == labels)


def test_training_brings_int8_closer_to_the_keras_model(report):
    assert figures(report)["qat"].mean_abs_error < 0.95 * figures(report)["ptq"].mean_abs_error
    assert report.history[report.best_epoch].loss < 0.7 * report.history[0].loss


def test_the_history_holds_every_epoch_and_the_best_is_kept(report, epochs_seen):
    assert [epoch.epoch for epoch in report.history] == [0, 1, 2, 3]
    assert list(report.history) == epochs_seen
    losses = [epoch.loss for epoch in report.history]
    assert report.best_epoch == int(np.argmin(losses)) > 0
    assert report.history[0].train_loss is None
    assert report.history[1].train_loss > 0


def test_the_report_prints(report):
    text = str(report)
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    for piece in ("int8, post-training", "192 samples of", "holds the trained network", " * "):
        assert piece in words
    assert json.loads(report.to_json())["settings"]["seed"] == 3


def test_dead_channels_are_left_out_and_reported(tmp_path):
    images, labels = labelled_images()
    model = classifier(images, labels)
    report = tflite_tools.qat(model, tmp_path, images, labels, epochs=1, calibration_samples=64)
    assert report.dead_channels.dropped
    assert f"int8 is without {report.dead_channels.total} dead channels" in " ".join(
        str(report).split()
    )
    found = tflite_tools.evaluate(report.file, images, labels)
    chosen = np.asarray(model(images)).argmax(-1)
    assert found.top1 > np.mean(chosen == labels) - 0.01


@pytest.fixture(scope="module")
def saved(trained_model, train_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    trained_model.save(folder / "striped.keras")
    np.savez(folder / "data.npz", x=train_set[0][:64], y=train_set[1][:64])
    return folder


def test_the_legacy_keras_stays_out_of_the_users_process(saved, run_python, tmp_path):
    program = run_python("-c", CLEAN, saved / "striped.keras", saved / "data.npz", tmp_path)
    assert program.returncode == 0, program.stderr
    assert program.stdout.split(maxsplit=1)[1] == "[] None\n"


def test_what_cannot_be_mirrored_is_refused_by_name(tmp_path):
    image = keras.Input((4, 4, 3))
    x = layers.GroupNormalization(3, name="grouped")(layers.Conv2D(3, 1)(image))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)), name="foreign")
    samples = np.random.default_rng(0).normal(size=(8, 4, 4, 3))
    with pytest.raises(ToolError, match="no counterpart in tf_keras for the layer 'grouped'"):
        tflite_tools.qat(model, tmp_path / "out", samples)
    assert not (tmp_path / "out").exists()


def test_a_training_that_diverges_says_so(trained_model, train_set, tmp_path):
    with pytest.raises(ToolError, match=r"diverged in epoch [12], .* smaller learning_rate"):
        tflite_tools.qat(trained_model, tmp_path, train_set[0], learning_rate=1e30)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"epochs": 0}, "epochs: expected a whole number from 1, got 0"),
        ({"epochs": True}, "epochs: expected a whole number from 1, got True"),
        ({"batch_size": 2.5}, "batch_size: expected a whole number from 1, got 2.5"),
        ({"seed": -1}, "seed: expected a whole number from 0, got -1"),
        ({"learning_rate": 0}, "learning_rate: expected a positive number, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a positive number, got nan"),
        ({"int8_io": "int4"}, "int8_io: expected one of int8, uint8, float32, got int4"),
        ({"name": "a/b"}, "name: expected a printable file name"),
    ],
)
def test_bad_settings_are_refused(trained_model, train_set, arguments, fragment, tmp_path):
    with pytest.raises(ToolError, match=fragment):
        tflite_tools.qat(trained_model, tmp_path / "out", *train_set, **arguments)
    assert not (tmp_path / "out").exists()


def test_nothing_is_loaded_where_packages_are_missing(trained_model, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"needs tensorflow-model-optimization and tf_keras\. .*"):
        tflite_tools.qat(trained_model, tmp_path / "out", None)
