"""The converted Finet holds the operators that DESIGN names, whatever it was trained with."""

import numpy as np
import pytest
from support.hostile import randomize, settle

import keras_finet
from tflite_tools import convert
from tflite_tools.interpreter import LiteModel

PLAIN = {
    "CONV_2D": 35,
    "DEPTHWISE_CONV_2D": 16,
    "ADD": 13,
    "MEAN": 1,
    "FULLY_CONNECTED": 1,
    "SOFTMAX": 1,
}
SQUEEZE_EXCITE = {**PLAIN, "CONV_2D": 35 + 32, "MEAN": 1 + 16, "LOGISTIC": 16, "MUL": 16}
SHAPES = {"cifar": (32, 32, 3), "imagenet": (64, 64, 3)}


@pytest.fixture(scope="module")
def finet():
    def build(**arguments):
        shape = SHAPES[arguments["stem"]]
        return keras_finet.FinetSmall(weights=None, classes=10, input_shape=shape, **arguments)

    return build


@pytest.fixture(scope="module")
def finet_samples():
    return np.random.default_rng(4).normal(size=(16, 32, 32, 3)).astype("float32")


@pytest.mark.parametrize(
    ("squeeze_excite", "stem", "groups"),
    [
        (False, "cifar", 1),
        (False, "cifar", 4),
        (False, "imagenet", 1),
        (False, "imagenet", 4),
        (True, "cifar", 1),
        (True, "imagenet", 4),
    ],
)
def test_operators_of_float32(finet, tmp_path, squeeze_excite, stem, groups):
    model = finet(stem=stem, groups=groups, squeeze_excite=squeeze_excite)
    randomize(model)
    (record,) = convert(model, tmp_path).records
    pooling = {"MAX_POOL_2D": 1} if stem == "imagenet" else {}
    assert record.ops == {**(SQUEEZE_EXCITE if squeeze_excite else PLAIN), **pooling}
    assert record.evaluation.max_abs_error < 1e-5


def test_operators_of_int8(finet, tmp_path, finet_samples):
    model = finet(stem="cifar", groups=4, squeeze_excite=True)
    randomize(model)
    (record,) = convert(model, tmp_path, precisions=["int8"], calibration=finet_samples).records
    assert record.ops == SQUEEZE_EXCITE
    assert record.size_bytes < 0.31 * model.count_params() * 4


@pytest.mark.parametrize("groups", [1, 4])
def test_logits_are_those_of_the_unfused_model(finet, tmp_path, finet_samples, groups):
    """Without a softmax, which would hide errors where it saturates."""
    model = finet(stem="cifar", groups=groups, squeeze_excite=False, classifier_activation=None)
    settle(model, finet_samples)
    expected = np.asarray(model(finet_samples, training=False))
    assert expected.std(0).max() > 0.01 * np.abs(expected).max()  # it answers to its input
    (record,) = convert(model, tmp_path).records
    got = LiteModel(record.file).predict(finet_samples)
    assert np.abs(got - expected).max() / np.abs(expected).max() <= 1e-5
