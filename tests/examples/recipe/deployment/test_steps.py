"""What goes wrong between a checkpoint and its files is in the card, and is exit code 1."""

import json
import re

import keras
import numpy as np
import pytest
from recipe.deployment import steps
from recipe.deployment.beside import card_beside, making_in
from recipe.deployment.card import Artefact
from recipe.deployment.checkout import commit
from recipe.deployment.reporting import report
from recipe.deployment.scores import Score, scores
from support.full_disk import full_disk

import keras_finet
from tflite_tools.errors import ToolError

SIDE, CLASSES = 8, 7


class Noise:
    """What `DeploymentData` gives, of random images."""

    class_names = tuple("abcdefg")
    preprocessing = None

    def __init__(self):
        rng = np.random.default_rng(0)
        self.images = rng.normal(size=(21, SIDE, SIDE, 3)).astype("float32")
        self.labels = rng.integers(0, CLASSES, 21)

    def calibration(self):
        return self.images[:16]

    def fed_batches(self):
        yield self.images[:8]
        yield 2 * self.images[8:16]

    def test_batches(self):
        for start in range(0, 21, 8):
            yield self.images[start : start + 8], self.labels[start : start + 8]

    def describe(self):
        limits = {"training_limit": None, "evaluation_limit": 21}
        return {"name": "noise", "classes": CLASSES, "evaluation_images": 21, **limits}


@pytest.fixture
def file(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras_finet.FineGrainedBatchNorm(8, 1, groups=3, activation="relu")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(CLASSES, activation="softmax")(x)
    keras.Model(inputs, x).save(tmp_path / "small.keras")
    return tmp_path / "small.keras"


def deployed(file):
    card = steps.deploy(file, Noise(), network={"name": "small"})
    assert json.loads(file.with_name("small.card.json").read_text()) == json.loads(card.as_json())
    return card


def names(card):
    return [artefact.file for artefact in card.artefacts]


def test_a_checkpoint_of_unknown_origin(file, capsys):
    card = deployed(file)
    assert card.passed
    assert names(card) == [
        *("small.keras", "fused.keras"),
        *(f"small_{each}.tflite" for each in ("float32", "float16", "int8")),
    ]
    assert card.recipe is None
    assert "How it was trained is not known." in card.limits
    assert "That is a part of its images: at most 21 were taken." in card.limits
    data = Noise()
    assert card.input_range == (
        min(data.images[:8].min(), 2 * data.images[8:16].min()),
        max(data.images[:8].max(), 2 * data.images[8:16].max()),
    )
    assert card.input_range_images == 16
    assert report(card, file) == 0
    printed = capsys.readouterr().out
    assert "small_int8.tflite" in printed
    assert "agreement" in printed


def test_a_fusion_that_computes_something_else(file, monkeypatch, capsys):
    """Nothing is converted, files of an earlier run are gone, and the card says why."""
    deployed(file)
    own = keras_finet.fuse

    def broken(model):
        fused = own(model)
        kernel = fused.layers[1].kernel
        kernel.assign(kernel * 1.01)
        return fused

    monkeypatch.setattr(keras_finet, "fuse", broken)
    card = deployed(file)
    assert not card.passed
    assert names(card) == ["small.keras"]
    assert card.artefacts[0].score is not None
    assert sorted(path.name for path in file.parent.iterdir()) == [
        *("small.card.json", "small.card.md", "small.keras"),
    ]
    (problem,) = card.problems
    assert problem.startswith("The fused model computes something else: relative error ")
    assert card.fusion["passed"] is False
    assert card.fusion["relative_error"] > 1e-4
    assert "**Not to be used: checks failed.**" in file.with_name("small.card.md").read_text()
    assert report(card, file) == 1
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("free_bytes", "name", "left"),
    [(600, "small.card.json", []), (8_000, "fused.keras", ["small.card.json", "small.card.md"])],
)
def test_a_full_disk_leaves_no_half_of_a_file(free_bytes, name, left, file):
    said = f"{name}: cannot be written: File too large"
    with full_disk(free_bytes), pytest.raises(ToolError, match=re.escape(said)):
        steps.deploy(file, Noise(), network={"name": "small"})
    assert sorted(path.name for path in file.parent.iterdir()) == [*left, "small.keras"]


def test_what_only_the_card_tells_outlives_a_deployment_that_dies(file, monkeypatch):
    """The card says so, and the next deployment finds there how the model was made."""
    made = {
        "network": {"name": "small", "builder": "Small", "parameters": 127, "classes": CLASSES},
        "recipe": {"seed": 3, "train_limit": None},
        "training": {"devices": "one device"},
    }
    first = steps.deploy(file, Noise(), **made)

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "_converted", killed)
    with pytest.raises(KeyboardInterrupt):
        steps.deploy(file, Noise(), **making_in(card_beside(file)))
    unfinished = json.loads(file.with_name("small.card.json").read_text())
    assert unfinished["passed"] is False
    assert unfinished["problems"] == [steps.UNFINISHED]
    assert not list(file.parent.glob("*.tflite"))
    monkeypatch.undo()
    again = steps.deploy(file, Noise(), **making_in(card_beside(file)))
    assert again.passed
    assert (again.network, again.recipe, again.training) == (
        *(first.network, first.recipe, first.training),
    )
    assert [artefact.sha256 for artefact in again.artefacts[:1]] == [first.artefacts[0].sha256]


def test_weights_that_int8_cannot_hold(file):
    """One file that cannot be made does not take the others along."""
    model = keras.saving.load_model(file)
    model.layers[1].gamma.assign(model.layers[1].gamma * 1e12)
    model.save(file)
    card = deployed(file)
    assert not card.passed
    assert any("No float16 file was made" in problem for problem in card.problems), card.problems
    assert "small_float32.tflite" in names(card)


def test_scores_of_batches_are_those_of_all(monkeypatch):
    """Chunk by chunk, as a large test set comes, nothing is lost or counted twice."""
    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(21, CLASSES)).astype("float32")
    other = rng.normal(size=(21, CLASSES)).astype("float32")
    labels = rng.integers(0, CLASSES, 21)

    class Table:
        def __init__(self, rows):
            self.rows = rows

        def predict(self, images, verbose):
            return self.rows[images[:, 0].astype(int)]

    batches = [
        (np.arange(s, min(s + 4, 21))[:, None].astype("f4"), labels[s : s + 4])
        for s in range(0, 21, 4)
    ]
    monkeypatch.setattr("recipe.deployment.scores.CHUNK_BYTES", 20)
    first, second = Table(outputs), Table(other)
    found = scores(first, {"first": first, "second": second}, [], batches)
    ranks = (-other).argsort(axis=1)
    assert found["first"].agreement == 1
    assert found["second"] == Score(
        samples=21,
        top1=pytest.approx(np.mean(ranks[:, 0] == labels)),
        top5=pytest.approx(np.mean((ranks[:, :5] == labels[:, None]).any(axis=1))),
        agreement=pytest.approx(np.mean(ranks[:, 0] == outputs.argmax(axis=1))),
    )


def test_no_commit_of_another_projects_checkout(tmp_path):
    assert commit(tmp_path) is None


def test_an_artefact_without_a_score(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"abc")
    artefact = Artefact.of(tmp_path / "a.tflite", "TFLite", None)
    assert (artefact.score, artefact.size_bytes) == (None, 3)
