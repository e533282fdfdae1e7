"""A recipe from training to .tflite files and their card, as a user runs it."""

import hashlib
import json
import subprocess

import keras
import numpy as np
import pytest
from PIL import Image
from support.examples import ROOT, run_example

import keras_finet
from tflite_tools.interpreter import LiteModel
from tflite_tools.model_card import trained_input_range

FILES = {
    "model.keras": "Keras, as trained",
    "fused.keras": "Keras, fused",
    **{f"model_{name}.tflite": f"TFLite {name}" for name in ("float32", "float16", "int8")},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    arguments = ("--smoke", "--model", "finet_small", "--no-squeeze-excite", "--out", folder)
    process = run_example("train_cifar", *arguments)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return folder, process.stdout


@pytest.fixture(scope="module")
def card(run):
    return json.loads((run[0] / "model.card.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def test_images(run):
    """The images to evaluate on, read and normalised without the recipe's code."""
    root = run[0] / "smoke_images" / "val"
    images, labels = [], []
    for label, folder in enumerate(sorted(root.iterdir())):
        for file in sorted(folder.iterdir()):
            image = Image.open(file).resize((32, 32), Image.Resampling.BILINEAR)
            images.append(np.asarray(image, np.float32))
            labels.append(label)
    return keras_finet.preprocess_input(np.stack(images)), np.asarray(labels)


def test_training_is_reported_before(run):
    folder, printed = run
    assert "48 images to train on, 24 to evaluate on, 3 classes" in printed
    assert "\ntop-1 " in printed
    assert (folder / "epochs.csv").exists()


def test_every_file_is_in_the_card_with_its_hash(run, card):
    folder, printed = run
    assert {each["file"]: each["kind"] for each in card["artefacts"]} == FILES
    for artefact in card["artefacts"]:
        content = (folder / artefact["file"]).read_bytes()
        assert artefact["sha256"] == hashlib.sha256(content).hexdigest()
        assert artefact["size_bytes"] == len(content)
        assert artefact["file"] in printed
    assert card["passed"] is True
    assert card["problems"] == []


def test_accuracies_are_those_of_the_files(run, card, test_images):
    folder, images, labels = run[0], *test_images
    for artefact in card["artefacts"]:
        file = folder / artefact["file"]
        if file.suffix == ".keras":
            outputs = keras.saving.load_model(file, compile=False)(images, training=False)
        else:
            outputs = LiteModel(file).predict(images)
        score = artefact["score"]
        assert score["samples"] == len(labels) == 24
        found = np.mean(np.asarray(outputs).argmax(axis=1) == labels)
        # JPEG decoders differ, which decides between classes that are close. One more may be.
        *_, second, first = np.sort(outputs, axis=1).T
        close = np.sum(first - second < 0.02)
        assert score["top1"] == pytest.approx(found, abs=(close + 1.01) / 24)
        assert score["top5"] is None, "with three classes it says nothing"
        assert score["agreement"] >= (0.8 if "int8" in artefact["file"] else 1)


def test_the_card_says_how_it_was_made(card):
    assert card["recipe"]["model"] == "finet_small"
    assert card["recipe"]["seed"] == 0
    assert card["recipe"]["weight_decay"] == 5e-4
    assert card["recipe"]["train_limit"] == 48
    assert card["network"]["builder"] == "FinetSmall"
    assert card["network"]["arguments"]["squeeze_excite"] is False
    assert card["data"]["name"] == "smoke_images"
    assert (card["data"]["training_images"], card["data"]["evaluation_images"]) == (48, 24)
    assert card["training"]["last_epoch"]["epoch"] == 1
    assert card["training"]["last_epoch"]["val_top5"] is None, "as of the files"
    assert card["fusion"]["passed"] is True
    assert card["versions"]["keras"] == keras.__version__
    assert any("at most 48 images" in limit for limit in card["limits"])
    assert "/" not in json.dumps(card["data"]), "where it was on this machine"


def test_the_commit_is_the_one_that_is_checked_out(card):
    asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(asked, capture_output=True, text=True, check=False)
    if head.returncode:
        assert card["commit"] is None
    else:
        assert card["commit"]["id"] == head.stdout.strip()


def test_convert_reads_the_input_range_of_the_card(run, card):
    low, high = trained_input_range(run[0] / "model.keras")
    assert [low, high] == card["input_range"]
    # Black and white, normalised as keras_finet.preprocess_input does.
    black, white = (keras_finet.preprocess_input(np.full((1, 1, 1, 3), v, "f4")) for v in (0, 255))
    assert low == pytest.approx(black.min(), abs=1e-4)
    assert black.max() < high <= white.max()


def test_people_read_the_same(run, card):
    text = (run[0] / "model.card.md").read_text(encoding="utf-8")
    for artefact in card["artefacts"]:
        row = next(line for line in text.splitlines() if f"`{artefact['file']}`" in line)
        assert artefact["sha256"] in row
        assert f"{artefact['score']['top1']:.2%}" in row
    for heading in ("Use", "Limits", "Files", "Network", "Data", "Recipe", "Fusion", "Versions"):
        assert f"\n## {heading}\n" in text
    assert "weight decay: 0.0005" in text
