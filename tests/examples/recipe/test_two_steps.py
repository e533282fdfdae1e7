"""Binary networks: the second step starts where the first ended, and both are taken up again."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
from command_line import InputError
from recipe.binarization import first_step
from recipe.building import inner_optimizer
from recipe.deployment.trained import deploy_trained
from recipe.settings import Recipe
from recipe.sources import open_source
from recipe.two_steps import train_all
from support.recipe_data import write_folder
from support.train_tiny import TINY, TINY_REACTNET, tiny_network, tiny_reactnet

from keras_finet.layers import SignStandardizedConv2D

STEPS = 5  # in an epoch: 21 images in batches of 4


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"))


def recipe_of(data, **settings):
    return Recipe(dataset=str(data), **{**TINY, **TINY_REACTNET, "epochs": 1, **settings})


def run(data, out, *callbacks, build=tiny_reactnet, first_step_file=None, **settings):
    recipe = recipe_of(data, **settings)
    out.mkdir(exist_ok=True)
    return train_all(
        recipe,
        open_source(recipe),
        out,
        first_step_file=first_step_file,
        build=build,
        callbacks=callbacks,
        checkpoint_steps=2,
        eagerly=True,
        verbose=0,
    )


def values(model):
    return {each.path: np.array(keras.ops.convert_to_numpy(each.value)) for each in model.weights}


class Starts(keras.callbacks.Callback):
    """What each step of the recipe starts with."""

    def __init__(self):
        super().__init__()
        self.weights, self.optimizers, self.binary = [], [], []

    def on_train_begin(self, logs=None):
        self.weights.append(values(self.model))
        self.optimizers.append(inner_optimizer(self.model))
        self.binary.append(
            any(isinstance(each, SignStandardizedConv2D) for each in self.model.layers)
        )


class InterruptAt(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        self.step -= 1
        if self.step == 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    starts = Starts()
    result = run(data, tmp_path_factory.mktemp("whole"), starts)
    return result, starts


def test_the_second_step_starts_exactly_at_the_weights_of_the_first(whole):
    result, starts = whole
    assert starts.binary == [False, True]
    first = values(keras.saving.load_model(result.folder / "first_step" / "model.keras"))
    assert len(first) > 10
    assert first.keys() == starts.weights[1].keys()
    for path, value in starts.weights[1].items():
        np.testing.assert_array_equal(value, first[path], err_msg=path)
    moved = [path for path, value in first.items() if np.any(value != starts.weights[0][path])]
    assert len(moved) == len(first)


def test_each_step_has_its_own_weight_decay_and_a_new_optimizer(whole):
    _, starts = whole
    assert [each.coupled_weight_decay for each in starts.optimizers] == [1e-2, 0.0]
    assert [type(each).__name__ for each in starts.optimizers] == ["CoupledAdam"] * 2
    assert [int(each.iterations) for each in starts.optimizers] == [STEPS] * 2  # not 2 * STEPS


def test_both_steps_are_whole_runs(whole):
    result, _ = whole
    for folder in (result.folder, result.folder / "first_step"):
        assert (folder / "epochs.csv").exists()
        assert (folder / "checkpoint.npz").exists()
    kinds = [
        any(isinstance(each, SignStandardizedConv2D) for each in model.layers)
        for model in (result.model, keras.saving.load_model(result.file))
    ]
    assert kinds == [True, True]


# Of float32: test_resume.py
def test_interrupted_in_the_second_step_in_float16(data, tmp_path):
    """Where the optimizer that makes the steps stands inside two others."""
    whole = run(data, tmp_path / "whole", mixed_precision="float16")
    parts = shutil.copytree(tmp_path / "whole", tmp_path / "parts")
    (parts / "checkpoint.npz").unlink()
    with pytest.raises(KeyboardInterrupt):
        run(data, parts, InterruptAt(3), mixed_precision="float16")
    starts = Starts()
    found = run(data, parts, starts, mixed_precision="float16")
    assert starts.binary == [True]
    assert int(starts.optimizers[0].iterations) == STEPS
    for path, value in values(whole.model).items():
        np.testing.assert_array_equal(values(found.model)[path], value, err_msg=path)


def test_the_second_step_alone_from_a_file(data, whole, tmp_path):
    result, _ = whole
    starts = Starts()
    file = shutil.copy(result.folder / "first_step" / "model.keras", tmp_path / "first.keras")
    found = run(data, tmp_path / "out", starts, first_step_file=file)
    assert starts.binary == [True]
    assert not (tmp_path / "out" / "first_step").exists()
    for path, value in values(result.model).items():
        np.testing.assert_array_equal(values(found.model)[path], value, err_msg=path)


def test_once_the_second_has_begun_the_first_is_not_needed(data, whole, tmp_path):
    folder = shutil.copytree(whole[0].folder, tmp_path / "moved")
    shutil.rmtree(folder / "first_step")
    starts = Starts()
    run(data, folder, starts)
    assert starts.binary == []
    with pytest.raises(InputError, match=r"another configuration: clip factor 0.02 there and 0.5"):
        run(data, folder, clip_factor=0.5)


def test_its_files_and_card_are_made(whole):
    result, _ = whole
    card = deploy_trained(result, "one device")
    assert card.passed, card.problems
    assert card.recipe["first_step_decay"] == 1e-2
    kinds = [artefact.kind for artefact in card.artefacts]
    assert kinds[-3:] == ["TFLite float32", "TFLite float16", "TFLite int8"]
    json.loads((result.folder / "model.card.json").read_text(encoding="utf-8"))


def refused(data, out, file, *fragments, **settings):
    with pytest.raises(InputError) as caught:
        run(data, out, first_step_file=file, **settings)
    message = str(caught.value)
    assert message.startswith(f"--first-step {file}: expected the weights of reactnet_a after")
    assert "\n" not in message
    for fragment in fragments:
        assert fragment in message


def test_what_is_no_first_step(data, whole, tmp_path):
    result, _ = whole
    refused(data, tmp_path, tmp_path / "none.keras", "none.keras")
    refused(data, tmp_path, result.file)  # of the second step
    recipe = recipe_of(data)
    other = tmp_path / "other.keras"
    tiny_network(recipe, 3, "softmax").save(other)
    refused(data, tmp_path, other)
    more_classes = tmp_path / "more.keras"
    tiny_reactnet(first_step(recipe), 4, "softmax").save(more_classes)
    refused(data, tmp_path, more_classes, "predictions")
    normalized = tmp_path / "normalized.keras"
    normalized_recipe = dataclasses.replace(first_step(recipe), normalization="batch_norm")
    tiny_reactnet(normalized_recipe, 3, "softmax").save(normalized)
    refused(data, tmp_path, normalized)
