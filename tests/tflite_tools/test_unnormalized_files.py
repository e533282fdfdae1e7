"""Networks without normalisations as files: built-in operators only, and weights of one bit."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from support.models import outputs
from support.training import relative_error
from support.unnormalized import NETWORKS, mimic_norm, normalizer_free, shifted_relu, trained

from tflite_tools import convert
from tflite_tools.interpreter import LiteModel

OPERATORS = {
    # The normalisation of the input: a factor and an offset. A shifted ReLU subtracts 1, unless a
    # 1x1 convolution follows; what it adds is in a bias, unless the sum reads that convolution too.
    shifted_relu: {
        "MUL": 1,
        "CONV_2D": 3,
        "DEPTHWISE_CONV_2D": 1,
        "ADD": 1 + 1 + 2 + 1,
        "MEAN": 1,
    },
    mimic_norm: {
        "CONV_2D": 3,
        "DEPTHWISE_CONV_2D": 1,
        "ADD": 1,
        "MEAN": 1,
        "FULLY_CONNECTED": 1,
    },
    # An offset before each sign, one after each PReLU, and the two sums.
    normalizer_free: {
        "CONV_2D": 3,
        "ADD": 6,
        "GREATER_EQUAL": 2,
        "SELECT_V2": 2,
        "PRELU": 2,
        "MEAN": 1,
        "FULLY_CONNECTED": 1,
    },
}
ONE_BIT = {shifted_relu: 4, mimic_norm: 0, normalizer_free: 2}
PRECISIONS = ("float32", "float16", "int8")


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda each: each.__name__)
def converted(request, tmp_path_factory):
    model, images = trained(request.param)
    folder = tmp_path_factory.mktemp(request.param.__name__)
    report = convert(model, folder, precisions=PRECISIONS, calibration=images)
    return request.param, model, images, dict(zip(PRECISIONS, report.records, strict=True))


def test_operators_are_built_in_and_those_of_the_specification(converted):
    network, _, _, records = converted
    for precision in ("float32", "int8"):
        assert records[precision].ops == OPERATORS[network], precision


def test_the_float_file_computes_what_the_trained_model_does(converted):
    _, model, images, records = converted
    (expected,) = outputs(model, images)
    assert relative_error(LiteModel(records["float32"].file).predict(images), expected) < 1e-5


@pytest.mark.parametrize("precision", PRECISIONS)
def test_one_bit_weights_have_two_values_in_each_filter(converted, precision):
    network, _, _, records = converted
    kernels = [each for each in weights(records[precision].file) if is_two_valued(each)]
    assert len(kernels) == ONE_BIT[network]


def weights(file):
    """The kernels of a file's convolutions, as integers or floats, by filter."""
    interpreter = Interpreter(model_path=str(file))
    for tensor in interpreter.get_tensor_details():
        if len(tensor["shape"]) == 4 and tensor["dtype"] in (np.float32, np.float16, np.int8):
            try:
                values = interpreter.get_tensor(tensor["index"])
            except ValueError:
                continue
            quantization = tensor["quantization_parameters"]
            axis = quantization["quantized_dimension"] if len(quantization["scales"]) > 1 else 0
            yield np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def is_two_valued(filters):
    values = [np.unique(each) for each in filters.astype("float64")]
    return all(len(each) == 2 and each[0] == -each[1] for each in values)
