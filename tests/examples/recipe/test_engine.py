"""A run from beginning to end: what it computes, writes and takes up again, by NumPy."""

import csv
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from recipe.building import build_model, compile_model, inner_optimizer
from recipe.engine import train
from recipe.papers import cifar
from recipe.settings import Recipe
from recipe.sources import open_source
from support.recipe_data import write_prepared
from support.train_tiny import TINY, tiny_network

STEPS = 5


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    write_prepared(folder)
    return folder


def run(data_dir, out, *callbacks, **settings):
    recipe = Recipe(dataset="tiny_pets", **{**TINY, "epochs": 2, **settings})
    out.mkdir(exist_ok=True)
    return train(
        recipe,
        open_source(recipe, data_dir=data_dir),
        out,
        build=tiny_network,
        callbacks=callbacks,
        checkpoint_steps=2,
        eagerly=True,
        verbose=0,
    )


def kernels(model):
    return [np.array(keras.ops.convert_to_numpy(each.value)) for each in model.trainable_variables]


class Weights(keras.callbacks.Callback):
    """The weights after every step, and in every evaluation."""

    def __init__(self):
        super().__init__()
        self.trained, self.evaluated = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.trained.append(kernels(self.model))

    def on_test_batch_end(self, batch, logs=None):
        self.evaluated.append(kernels(self.model))


class InterruptAt(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        self.step -= 1
        if self.step == 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def plain(data_dir, tmp_path_factory):
    return run(data_dir, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ema": 0.5, "warmup_epochs": 1, "label_smoothing": 0.1},
        {"mixed_precision": "float16"},
    ],
    ids=["plain", "ema", "float16"],
)
def test_interrupted_in_an_epoch_it_ends_as_if_it_had_not_been(settings, data_dir, tmp_path):
    whole = run(data_dir, tmp_path / "whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        run(data_dir, tmp_path / "parts", InterruptAt(STEPS + 3), **settings)
    parts = run(data_dir, tmp_path / "parts", **settings)
    for found, expected in zip(parts.model.weights, whole.model.weights, strict=True):
        np.testing.assert_array_equal(found.value, expected.value, err_msg=found.path)
    for row, wanted in zip(parts.history, whole.history, strict=True):
        assert {**row, "images_per_second": 0} == {**wanted, "images_per_second": 0}


def test_the_result_is_what_was_saved_and_gives_probabilities(plain):
    images = np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype("float32")
    outputs = keras.ops.convert_to_numpy(plain.model(images))
    np.testing.assert_allclose(outputs.sum(-1), 1, rtol=1e-6)
    saved = keras.saving.load_model(plain.file)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(saved(images)), outputs)


def test_accuracy_is_that_of_the_saved_model(plain):
    from recipe.pipeline import evaluation_batches

    hits = []
    for images, labels in evaluation_batches(plain.source, plain.recipe).as_numpy_iterator():
        answers = keras.ops.convert_to_numpy(plain.model(images))
        hits += list(answers.argmax(-1) == labels.argmax(-1))
    assert plain.top1 == pytest.approx(np.mean(hits), abs=1e-6)
    assert plain.top5 == 1.0
    assert plain.history[-1]["val_top1"] == plain.top1


def test_the_first_step_moves_every_weight_by_the_formula(data_dir, tmp_path):
    """With a learning rate that halves over the run: 0.05 in step 0."""
    steps = Weights()
    keras.utils.set_random_seed(0)
    start = kernels(tiny_network(Recipe(dataset="", **TINY), 3, None))
    run(data_dir, tmp_path / "without", steps, weight_decay=0.0, epochs=1)
    decayed = Weights()
    run(data_dir, tmp_path / "with", decayed, weight_decay=0.1, epochs=1)
    # The same gradient in both: what is left is the decay's share.
    after = zip(start, steps.trained[0], decayed.trained[0], strict=True)
    for before, without, with_decay in after:
        np.testing.assert_allclose(without - with_decay, 0.05 * 0.1 * before, atol=3e-7)


def test_logs(plain):
    rows = list(csv.DictReader((plain.folder / "epochs.csv").read_text().splitlines()))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == plain.history
    assert [row["epoch"] for row in plain.history] == [1, 2]
    assert all(row["images_per_second"] > 0 for row in plain.history)
    # That of the steps 4 and 9, the last of their epochs, of ten in all.
    rates = [row["learning_rate"] for row in plain.history]
    np.testing.assert_allclose(rates, [0.05 * 6 / 10, 0.05 * 1 / 10], rtol=1e-6)
    scalars = {}
    for file in (plain.folder / "tensorboard").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name in ("scalars", "")
                scalars[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    for row in plain.history:
        for name in set(row) - {"epoch"}:
            assert scalars[f"epoch/{name}", row["epoch"]] == pytest.approx(row[name], rel=1e-6)


def test_a_moving_average_is_evaluated_and_kept(data_dir, tmp_path):
    steps = Weights()
    result = run(data_dir, tmp_path, steps, ema=0.75)
    averages, averages_by_step = steps.trained[0], []
    for weights in steps.trained:
        averages = [0.75 * old + 0.25 * new for old, new in zip(averages, weights, strict=True)]
        averages_by_step.append(averages)
    for found, expected in zip(kernels(result.model), averages_by_step[-1], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    for found, expected in zip(steps.evaluated[0], averages_by_step[STEPS - 1], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    # Training goes on from the weights, not from their averages.
    plain = Weights()
    run(data_dir, tmp_path / "plain", plain)
    for found, expected in zip(steps.trained[-1], plain.trained[-1], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_loss_with_smoothed_labels():
    recipe = cifar(label_smoothing=0.2)
    model = tiny_network(Recipe(dataset="", **TINY), 3, None)
    compile_model(model, recipe, STEPS)
    logits, labels = np.array([[2.0, -1.0, 0.5]]), np.eye(3)[[1]]
    log_probabilities = logits - np.log(np.exp(logits).sum())
    expected = -(log_probabilities * (0.8 * labels + 0.2 / 3)).sum()
    found = keras.ops.convert_to_numpy(model.loss(labels, logits.astype("float32")))
    assert found == pytest.approx(expected, rel=1e-6)


def test_mixed_precision_trains_in_it_and_saves_float32(data_dir, tmp_path):
    seen = []

    class Types(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(self.model.get_layer("conv").compute_dtype)
            seen.append(type(inner_optimizer(self.model)).__name__)
            seen.append(type(self.model.optimizer).__name__)

    result = run(data_dir, tmp_path, Types(), epochs=1, mixed_precision="float16")
    assert seen == ["float16", "CoupledSGD", "LossScaleOptimizer"]
    assert result.model.get_layer("conv").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("model", ["resnet18", "shufflenet_v2"])
def test_networks_get_what_they_take(model):
    settings = {"groups": 2, "affine": False} if model != "shufflenet_v2" else {}
    network = build_model(cifar(model=model, **settings), 7, None)
    assert network.output_shape == (None, 7)
    assert network.input_shape == (None, 32, 32, 3)
    assert network.layers[-1].activation is keras.activations.linear
    fine = [layer for layer in network.layers if type(layer).__name__ == "FineGrainedBatchNorm"]
    assert all(layer.groups % 2 == 0 for layer in fine)
    assert bool(fine) == (model != "shufflenet_v2")
    assert not any(weight.path.endswith("gamma") for layer in fine for weight in layer.weights)


def test_one_step_has_no_speed(data_dir, tmp_path):
    result = run(data_dir, tmp_path, epochs=1, batch_size=21)
    assert math.isnan(result.history[0]["images_per_second"])
