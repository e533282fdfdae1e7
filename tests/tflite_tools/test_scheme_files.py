"""Finets of every scheme as files: operators, what they compute, weights of one bit."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from support.hostile import settle
from support.models import outputs
from support.training import relative_error

import keras_finet
from tflite_tools import convert
from tflite_tools.interpreter import LiteModel

PLAIN = {
    "CONV_2D": 35 + 32,
    "DEPTHWISE_CONV_2D": 16,
    "ADD": 13,
    "MEAN": 1 + 16,
    "LOGISTIC": 16,
    "MUL": 16,
    "FULLY_CONNECTED": 1,
}
OPERATORS = {
    "mimic_norm": PLAIN,
    "normalizer_free": PLAIN,
    # ADD: residual sums; the image's normalisation; 1 on behind the 16 gates; 1 off behind
    # activations, unless only a 1x1 convolution reads them.
    "shifted_relu": {
        **PLAIN,
        "CONV_2D": 36 + 32,
        "ADD": 13 + 1 + 16 + (1 + 16 + 15 + 1),
        "MUL": 16 + 1,
        "RESHAPE": 1,
        "FULLY_CONNECTED": 0,
    },
}
ONE_BIT = {"mimic_norm": 0, "normalizer_free": 0, "shifted_relu": 36 + 16 + 32}
SAMPLES = np.random.default_rng(4).normal(size=(16, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module", params=OPERATORS)
def converted(request, tmp_path_factory):
    model = keras_finet.FinetSmall(
        normalization=request.param,
        stem="cifar",
        input_shape=(32, 32, 3),
        classes=10,
        classifier_activation=None,
    )
    settle(model, SAMPLES)
    folder = tmp_path_factory.mktemp(request.param)
    report = convert(model, folder, precisions=("float32", "int8"), calibration=SAMPLES)
    return request.param, model, report


def test_operators(converted):
    normalization, _, report = converted
    for record in report.records:
        expected = {name: count for name, count in OPERATORS[normalization].items() if count}
        assert record.ops == expected, record.precision


def test_the_float_file_computes_what_the_model_does(converted):
    _, model, report = converted
    (expected,) = outputs(model, SAMPLES)
    assert relative_error(LiteModel(report.records[0].file).predict(SAMPLES), expected) < 5e-5


def test_one_bit_weights_have_two_values_in_each_filter(converted):
    normalization, _, report = converted
    for record in report.records:
        interpreter = Interpreter(model_path=str(record.file))
        interpreter.allocate_tensors()
        found = 0
        for operator in interpreter._get_ops_details():
            if operator["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D"):
                axis = 3 if operator["op_name"] == "DEPTHWISE_CONV_2D" else 0
                weights = np.moveaxis(interpreter.get_tensor(operator["inputs"][1]), axis, 0)
                values = [np.unique(each) for each in weights]
                # All nine weights of a channel may have one sign.
                found += all(set(v) <= {v[-1], -v[-1]} for v in values)
        assert found == ONE_BIT[normalization]
        counted = record.one_bit.operators if record.one_bit else 0
        assert counted == ONE_BIT[normalization]
