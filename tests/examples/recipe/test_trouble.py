"""What can go wrong in a run: one line for each, and nothing that was good is lost."""

import shutil

import keras
import numpy as np
import pytest
from command_line import InputError
from recipe.checkpoints import CHECKPOINT
from recipe.engine import train
from recipe.settings import Recipe
from recipe.sources import open_source
from recipe.watching import TrainingStopped
from support.recipe_data import write_folder, write_prepared
from support.train_tiny import TINY, tiny_network


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run(data, folder)
    return folder


@pytest.fixture
def out(trained, tmp_path):
    """The folder of a finished run, to be damaged."""
    return shutil.copytree(trained, tmp_path / "out")


def run(data, out, *, data_dir=None, build=tiny_network, callbacks=(), weights=None, **settings):
    recipe = Recipe(dataset=str(data), **{**TINY, "epochs": 1, **settings})
    source = open_source(recipe, data_dir=data_dir)
    return train(
        recipe,
        source,
        out,
        build=build,
        weights=weights,
        callbacks=callbacks,
        checkpoint_steps=2,
        eagerly=True,
        verbose=0,
    )


def refusal(kind, *arguments, **options):
    """The message, on one line."""
    with pytest.raises(kind) as caught:
        run(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class PoisonAt(keras.callbacks.Callback):
    """Makes one weight NaN after a step."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.step:
            poison(self.model)


class PoisonAfterEvaluation(keras.callbacks.Callback):
    """Makes one weight NaN when the figures of the epoch are there."""

    def on_test_end(self, logs=None):
        poison(self.model)


def poison(model):
    weight = model.get_layer("logits").kernel
    poisoned = np.array(keras.ops.convert_to_numpy(weight.value))
    poisoned[0, 0] = np.nan
    weight.assign(poisoned)


class PoisonedEvaluation(keras.callbacks.Callback):
    """Makes the evaluation see a NaN that training does not."""

    def on_test_begin(self, logs=None):
        self.kernel = self.model.get_layer("logits").kernel
        self.kept = np.array(keras.ops.convert_to_numpy(self.kernel.value))
        self.kernel.assign(np.full_like(self.kept, np.nan))

    def on_test_end(self, logs=None):
        self.kernel.assign(self.kept)


def checkpoint_of(out):
    with np.load(out / CHECKPOINT) as stored:
        return {name: stored[name] for name in stored.files}


def test_a_loss_that_is_no_number_stops_with_the_last_good_checkpoint_kept(data, tmp_path):
    said = refusal(TrainingStopped, data, tmp_path, callbacks=[PoisonAt(3)])
    assert said.startswith("the loss is nan in epoch 1, step 4; the last good checkpoint is ")
    assert str(tmp_path / CHECKPOINT) in said
    kept = checkpoint_of(tmp_path)
    assert '"step": 2' in kept.pop("header").item()
    assert all(np.isfinite(array).all() for array in kept.values())


def test_weights_that_are_no_numbers_do_not_replace_a_good_checkpoint(data, tmp_path):
    said = refusal(TrainingStopped, data, tmp_path, callbacks=[PoisonAfterEvaluation()])
    assert said.startswith("weights are no longer finite at epoch 2, step 0; the last good check")
    assert '"step": 4' in checkpoint_of(tmp_path)["header"].item()


def test_a_validation_loss_that_is_no_number_stops_before_the_epoch_counts(data, tmp_path):
    said = refusal(TrainingStopped, data, tmp_path, callbacks=[PoisonedEvaluation()])
    assert said.startswith("the validation loss is nan in epoch 1; the last good checkpoint is ")
    assert '"step": 4' in checkpoint_of(tmp_path)["header"].item()
    assert not (tmp_path / "model.keras").exists()
    assert len((tmp_path / "epochs.csv").read_text().splitlines()) <= 1


def test_without_a_checkpoint_it_says_so(data, tmp_path):
    said = refusal(TrainingStopped, data, tmp_path, callbacks=[PoisonAt(1)])
    assert "in epoch 1, step 2; there is no checkpoint yet." in said


def test_a_checkpoint_of_another_configuration(data, out):
    said = refusal(InputError, data, out, learning_rate=0.1, seed=3)
    assert "is the checkpoint of another configuration" in said
    assert "learning rate 0.05 there and 0.1 here, seed 0 there and 3 here. " in said
    assert "Choose another --out, or the same options." in said


def test_a_checkpoint_of_another_network(data, out):
    def wider(recipe, classes, activation):
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Dense(classes)(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, keras.layers.Activation(activation)(x), name="wider")

    assert "arrays of wider, got" in refusal(InputError, data, out, build=wider)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: b"no checkpoint",
        lambda content: content.replace(b"header.npy", b"reader.npy"),
        lambda content: content[:300] + bytes([content[300] ^ 1]) + content[301:],
    ],
    ids=["empty", "half", "last byte", "text", "no header", "one bit"],
)
def test_a_damaged_checkpoint(data, out, damage):
    file = out / CHECKPOINT
    file.write_bytes(damage(file.read_bytes()))
    said = refusal(InputError, data, out)
    assert f"{file}: the checkpoint cannot be read" in said
    assert "Remove it to start again" in said


def test_a_network_for_other_classes(data, tmp_path):
    def ten_classes(recipe, classes, activation):
        return tiny_network(recipe, 10, activation)

    said = refusal(InputError, data, tmp_path, build=ten_classes)
    assert "has 3 classes, but tiny has 10 outputs. Build it for 3 classes." in said


def test_weights_for_other_classes(data, tmp_path):
    file = tmp_path / "ten.weights.h5"
    tiny_network(Recipe(dataset="", **TINY), 10, None).save_weights(file)
    said = refusal(InputError, data, tmp_path, weights=file)
    assert said.startswith(f"--weights {file}: ")
    assert "logits" in said


def test_weights_to_start_from(data, trained, tmp_path):
    first = keras.saving.load_model(trained / "model.keras")
    # A step so small that nothing moves but the statistics.
    second = run(data, tmp_path, weights=trained / "model.keras", learning_rate=1e-30).model
    for name in ("logits", "conv", "fine"):
        np.testing.assert_array_equal(
            *(model.get_layer(name).get_weights()[0] for model in (first, second))
        )


def test_a_damaged_record(tmp_path):
    name = write_prepared(tmp_path)
    (records,) = tmp_path.rglob("*-train.tfrecord*")
    records.write_bytes(records.read_bytes()[:1500])
    said = refusal(InputError, name, tmp_path, data_dir=tmp_path)
    assert said.startswith(f"{name}: some data cannot be read: truncated record at ")
    assert "prepare the data set again" in said


def test_an_image_that_vanishes_during_training(tmp_path):
    data, out = write_folder(tmp_path / "data"), tmp_path / "out"
    out.mkdir()
    recipe = Recipe(dataset=str(data), **TINY)
    source = open_source(recipe)
    gone = sorted(data.rglob("*.png"))[0]
    gone.unlink()
    with pytest.raises(InputError, match=f"data: some data cannot be read: {gone}; No such file"):
        train(recipe, source, out, build=tiny_network, eagerly=True, verbose=0)


def test_no_card_of_another_model_stays(data, out):
    """A finished run writes its model again, whose checksum is another."""
    for name in ("model.card.json", "model.card.md"):
        (out / name).write_text("All checks passed.")
    run(data, out)
    assert (out / "model.keras").exists()
    assert not list(out.glob("*.card.*"))


def test_fewer_images_than_a_batch(data, tmp_path):
    said = refusal(InputError, data, tmp_path, batch_size=22)
    assert "batch size: expected at most the 21 training images of" in said
