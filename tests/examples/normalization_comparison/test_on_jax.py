"""Seeds trained together on JAX become what `fit` makes of each alone."""

import dataclasses

import keras
import numpy as np
import pytest

import keras_finet

if keras.backend.backend() != "jax":
    pytest.skip("of the jax backend", allow_module_level=True)

from image_data import ImageData
from normalization_comparison import on_batches, on_jax
from normalization_comparison.turns import Turns

SEEDS = [3, 0, 8]


def small_network(setting, variant, classes, seed):
    """A layer of each kind, with dropout and with a penalty on weights."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(
        8, 3, strides=4, use_bias=False, kernel_constraint=keras_finet.layers.ZeroMean()
    )(images)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras_finet.FineGrainedBatchNorm(16, 1, groups=2, momentum=0.9, activation="relu")(x)
    x = keras.layers.DepthwiseConv2D(3, depthwise_regularizer=keras.regularizers.L2(0.1))(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.3)(x)
    return keras.Model(images, keras.layers.Dense(classes, activation="softmax")(x))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 256, (n, 32, 32, 3)).astype(np.uint8) for n in (90, 70))
    labels = rng.integers(0, 4, 160)
    for images, of_them in ((train, labels[:90]), (test, labels[90:])):
        images[..., 0] = images[..., 0] // 4 + 48 * of_them[:, None, None]
    return ImageData("coloured noise", list("abcd"), train, labels[:90], test, labels[90:])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for engine in (on_batches, on_jax):
        monkeypatch.setattr(engine, "build", small_network)
        monkeypatch.setattr(engine, "TEST_BATCH", 32)  # which does not divide 70


def trained(engine, setting, data, folder, variant="bn", **options):
    parts = list(engine.train(setting, variant, SEEDS, data, Turns(folder), **options))
    return [outcome for part in parts for outcome in part], list(map(len, parts))


@pytest.mark.parametrize(
    ("variant", "optimizer", "learning_rate"),
    [("bn", "sgd", 0.1), ("bn", "adam", 0.01), ("normalizer_free", "sgd", 0.1)],
)
def test_seeds_together_are_what_keras_makes_of_each(
    setting, data, tmp_path, variant, optimizer, learning_rate
):
    setting = dataclasses.replace(
        setting, backend="jax", epochs=3, optimizer=optimizer, learning_rate=learning_rate
    )
    expected, _ = trained(on_batches, setting, data, tmp_path, variant)
    found, sizes = trained(on_jax, setting, data, tmp_path, variant, at_once=2)
    assert sizes == [2, 1]
    assert [outcome.seed for outcome in found] == SEEDS
    losses = np.array([outcome.loss for outcome in expected])
    assert np.ptp(losses, axis=0).min() > 1e-3, "seeds differ"
    assert losses[:, 2].max() < losses[:, 0].min(), "it learns"
    np.testing.assert_allclose([outcome.loss for outcome in found], losses, rtol=2e-5)
    top1 = np.array([outcome.top1 for outcome in expected])
    assert len(np.unique(top1)) > 2
    np.testing.assert_allclose([outcome.top1 for outcome in found], top1, atol=1e-6)
    assert {outcome.parameters for outcome in found} == {outcome.parameters for outcome in expected}


def test_one_at_a_time_by_default_on_a_cpu(setting, data, tmp_path):
    setting = dataclasses.replace(setting, backend="jax", epochs=1)
    found, sizes = trained(on_jax, setting, data, tmp_path)
    assert sizes == [1, 1, 1]
    assert all(outcome.step_mib > 0 for outcome in found)
