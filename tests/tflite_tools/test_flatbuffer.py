import pytest

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import custom_ops, float_ops, op_histogram, requantizations

SMALL_OPS = {
    "CONV_2D": 2,
    "ADD": 1,
    "DEPTHWISE_CONV_2D": 1,
    "FULLY_CONNECTED": 1,
    "MEAN": 1,
    "SOFTMAX": 1,
}


def test_histogram_is_sorted_by_count_then_name(files):
    assert list(op_histogram(files["float32"].read_bytes()).items()) == list(SMALL_OPS.items())


def test_int8_has_the_same_operators(files):
    assert op_histogram(files["int8"].read_bytes()) == SMALL_OPS


def test_float16_only_adds_the_unpacking_of_its_weights(files):
    histogram = op_histogram(files["float16"].read_bytes())
    assert histogram.pop("DEQUANTIZE") == 8  # four kernels, four biases
    assert histogram == SMALL_OPS


def test_flex_operators_count_as_custom(flex_file):
    histogram = op_histogram(flex_file.read_bytes())
    assert histogram["CUSTOM:FlexConv2D"] == 1
    assert "FlexConv2D" in custom_ops(histogram)
    assert "CAST" not in custom_ops(histogram)


def test_operators_that_compute_in_float(files):
    assert float_ops(files["float32"].read_bytes()) == sorted(SMALL_OPS)
    assert float_ops(files["float16"].read_bytes()) == sorted(SMALL_OPS)
    assert float_ops(files["int8"].read_bytes()) == []


def test_requantization_of_every_weighted_int8_operator(files):
    found = list(requantizations(files["int8"].read_bytes()))
    assert sorted(item.op for item in found) == sorted(
        ["CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]
    )
    assert all(0 < item.ratio < 1 for item in found)


def test_float_files_requantize_nothing(files):
    assert list(requantizations(files["float32"].read_bytes())) == []
    assert list(requantizations(files["float16"].read_bytes())) == []


@pytest.mark.parametrize("length", [0, 7, 8, 500, -100])
def test_damaged_files(files, length):
    content = files["float32"].read_bytes()[:length]
    with pytest.raises(ToolError, match=r"not a TFLite model|is damaged"):
        op_histogram(content)
