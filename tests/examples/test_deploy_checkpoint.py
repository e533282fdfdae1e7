"""A checkpoint of unknown origin as a user deploys it."""

import json
import shutil

import keras
import pytest
from support.examples import assert_refused, run_example
from support.recipe_data import write_prepared


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


@pytest.fixture
def deployed(trial, tmp_path):
    """A copy of the trial's checkpoint and card."""
    shutil.copy(trial[0], tmp_path)
    shutil.copy(trial[0].with_name("small.card.json"), tmp_path)
    return tmp_path / "small.keras"


def changed(card, **changes):
    content = json.loads(card.read_text(encoding="utf-8"))
    content["data"].update(changes)
    card.write_text(json.dumps(content))


def test_pixels_are_normalised_as_the_card_beside_says(trial, deployed):
    card = deployed.with_name("small.card.json")
    mean, std = [120.0, 110.0, 100.0], [60.0, 50.0, 40.0]
    preprocessing = {"augmentation": "random_resized_crop", "mean": mean, "std": std}
    changed(card, preprocessing=preprocessing)
    images = trial[0].parent / "smoke_images"
    assert run_example("deploy_checkpoint", deployed, "--dataset", images).returncode == 0
    written = json.loads(card.read_text(encoding="utf-8"))
    assert [written["data"]["preprocessing"][name] for name in ("mean", "std")] == [mean, std]
    low, high = written["input_range"]
    assert (0 - 100) / 40 <= low < (10 - 100) / 40  # ImageNet's would not go below -2.12
    assert (220 - 100) / 40 < high <= (255 - 100) / 40
    record = json.loads(deployed.with_name("small_float32.tflite.json").read_text())
    assert record["recipe"]["preprocessing"] is None


def test_classes_in_another_order_are_refused(trial, deployed):
    changed(deployed.with_name("small.card.json"), class_names=["red", "green", "blue"])
    images = trial[0].parent / "smoke_images"
    process = run_example("deploy_checkpoint", deployed, "--dataset", images)
    said = "class 0 is red in the card beside it, got blue"
    assert_refused(process, "deploy_checkpoint", said)


def test_a_damaged_record_is_one_line_and_the_same_command_goes_on(trial, tmp_path):
    file = tmp_path / "small.keras"
    shutil.copy(trial[0], file)
    write_prepared(tmp_path)
    (records,) = tmp_path.rglob("*-test.tfrecord*")
    whole = records.read_bytes()
    records.write_bytes(whole[:400] + bytes([whole[400] ^ 1]) + whole[401:])
    arguments = (file, "--dataset", "tiny_pets", "--data-dir", tmp_path, "--recipe", "cifar")
    process = run_example("deploy_checkpoint", *arguments)
    assert_refused(process, "deploy_checkpoint", "tiny_pets: some data cannot be read: ")
    records.write_bytes(whole)
    again = run_example("deploy_checkpoint", *arguments[:-2])
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["missing.keras", "--dataset", "cifar10"], "no such file"),
        (["missing.keras"], "--dataset: expected the data that it was trained on"),
    ],
)
def test_mistakes(arguments, fragment):
    assert_refused(run_example("deploy_checkpoint", *arguments), "deploy_checkpoint", fragment)
