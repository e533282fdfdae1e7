"""A checkpoint of unknown origin as a user deploys it."""

import json
import shutil

import keras
import pytest
from support.examples import assert_refused, run_example


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    file = tmp_path_factory.mktemp("trial") / "small.keras"
    process = run_example("deploy_checkpoint", file, "--smoke", "--samples", 20)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return file, process.stdout


def test_smoke(trial):
    file, printed = trial
    card = json.loads(file.with_name("small.card.json").read_text(encoding="utf-8"))
    assert [artefact["score"]["samples"] for artefact in card["artefacts"]] == [20] * 5
    assert "small_int8.tflite" in printed
    assert card["recipe"] is None
    assert any("at most 20 were taken" in limit for limit in card["limits"])


def test_a_model_with_other_classes_is_refused(trial, tmp_path):
    file, _ = trial
    layers = [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(7)]
    keras.Sequential(layers).save(tmp_path / "seven.keras")
    images = file.parent / "smoke_images"
    arguments = ("--dataset", images, "--recipe", "imagenet")
    process = run_example("deploy_checkpoint", tmp_path / "seven.keras", *arguments)
    wanted = "expected as many classes as", "has, 3, got a model with 7."
    assert_refused(process, "deploy_checkpoint", "seven.keras", *wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["seven.keras"]


def test_images_are_read_as_the_card_beside_says(trial, tmp_path):
    """Nothing is guessed: without a card, or with that of another file, it has to be told."""
    file, card = tmp_path / "small.keras", tmp_path / "small.card.json"
    shutil.copy(trial[0], file)
    arguments = (file, "--dataset", trial[0].parent / "smoke_images")
    wanted = "--recipe: expected one of imagenet, cifar, as no card beside"
    assert_refused(run_example("deploy_checkpoint", *arguments), "deploy_checkpoint", wanted)
    content = json.loads(trial[0].with_name(card.name).read_text(encoding="utf-8"))
    content["data"]["preprocessing"]["augmentation"] = "pad_and_crop"
    content["recipe"] = {"seed": 3, "train_limit": 12, "weight_decay": 0.25}
    content["training"] = {"devices": "one device"}
    content["network"]["builder"] = "Small"
    card.write_text(json.dumps(content).replace(content["artefacts"][0]["sha256"], "0" * 64))
    assert_refused(run_example("deploy_checkpoint", *arguments), "deploy_checkpoint", wanted)
    card.write_text(json.dumps(content))
    assert run_example("deploy_checkpoint", *arguments).returncode == 0
    written = json.loads(card.read_text(encoding="utf-8"))
    assert written["data"]["preprocessing"]["augmentation"] == "pad_and_crop"
    # What the file itself does not tell is kept.
    assert [written[name] for name in ("recipe", "training", "network")] == [
        content[name] for name in ("recipe", "training", "network")
    ]
    assert any("with seed 3" in limit for limit in written["limits"])
    assert any("at most 12 images" in limit for limit in written["limits"])


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["missing.keras", "--dataset", "cifar10"], "no such file"),
        (["missing.keras"], "--dataset: expected the data that it was trained on"),
    ],
)
def test_mistakes(arguments, fragment):
    assert_refused(run_example("deploy_checkpoint", *arguments), "deploy_checkpoint", fragment)
