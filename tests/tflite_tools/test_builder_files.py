"""Converted networks hold plain operators only, as many as their tables say, and compute the same.

Finet's stand in `test_finet_files.py`.
"""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from support.hostile import randomize

import keras_finet
from tflite_tools import convert
from tflite_tools.interpreter import LiteModel

HEAD = {"MEAN": 1, "FULLY_CONNECTED": 1}
SQUEEZE_EXCITE = {"MEAN": 8 + 1, "LOGISTIC": 8, "MUL": 8}
SHUFFLE_SPLIT = {"STRIDED_SLICE": 2 * 13, "RESHAPE": 3 * 13, "TRANSPOSE": 13, "CONCATENATION": 16}
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
    "ShuffleNetV2": (
        keras_finet.ShuffleNetV2,
        {"stem": "cifar", "alpha": 0.5},
        {"CONV_2D": 1 + 3 * 3 + 13 * 2 + 1, "DEPTHWISE_CONV_2D": 19, **SHUFFLE_SPLIT, **HEAD},
    ),
    "MnasNet-A1": (
        keras_finet.MnasNet,
        {},
        {"CONV_2D": 49, "DEPTHWISE_CONV_2D": 16, "ADD": 9, **HEAD, **SQUEEZE_EXCITE},
    ),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_operators_and_outputs(network, tmp_path):
    builder, arguments, operators = NETWORKS[network]
    shape = SHAPES[arguments.get("stem", "imagenet")]
    model = builder(classes=10, input_shape=shape, classifier_activation=None, **arguments)
    randomize(model)
    samples = np.random.default_rng(4).normal(size=(8, *shape)).astype("float32")
    report = convert(model, tmp_path, precisions=("float32", "int8"), calibration=samples)
    full, quantized = report.records
    assert full.ops == quantized.ops == operators
    tensors = Interpreter(model_path=str(full.file)).get_tensor_details()
    assert max(len(tensor["shape"]) for tensor in tensors) <= 4
    expected = np.asarray(model(samples, training=False))
    difference = np.abs(LiteModel(full.file).predict(samples) - expected).max()
    assert difference <= 1e-5 * np.abs(expected).max()
