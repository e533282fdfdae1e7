"""Converted networks hold plain operators only, as many as their tables say, and compute the same.

Finet's stand in `test_finet_files.py`.
"""

import numpy as np
import pytest
from support.hostile import randomize

import keras_finet
from tflite_tools import convert

HEAD = {"MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
# Large enough for a last feature map of more than a pixel: the mean of one is none.
SHAPES = {"cifar": (32, 32, 3), "imagenet": (64, 64, 3)}
# Builder, arguments, operators: convolutions are those of the tables and of the shortcuts.
NETWORKS = {
    "ResNet18": (
        keras_finet.ResNet18,
        {"stem": "imagenet", "groups": 2},
        {"CONV_2D": 1 + 16 + 3, "ADD": 8, "MAX_POOL_2D": 1, **HEAD},
    ),
    "ResNet50": (
        keras_finet.ResNet50,
        {"stem": "cifar"},
        {"CONV_2D": 1 + 48 + 4, "ADD": 16, **HEAD},
    ),
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    builder, arguments, operators = NETWORKS[request.param]
    model = builder(classes=10, input_shape=SHAPES[arguments["stem"]], **arguments)
    randomize(model)
    return model, operators


def test_operators_of_float32(network, tmp_path):
    model, operators = network
    (record,) = convert(model, tmp_path).records
    assert record.ops == operators
    assert record.evaluation.max_abs_error < 1e-5


def test_operators_of_int8(network, tmp_path):
    model, operators = network
    samples = np.random.default_rng(4).normal(size=(8, *model.input_shape[1:])).astype("float32")
    (record,) = convert(model, tmp_path, precisions=["int8"], calibration=samples).records
    assert record.ops == operators
