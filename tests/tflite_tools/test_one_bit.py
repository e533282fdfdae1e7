"""Weights of one bit: counted in the file, and what the report says of them."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from support.converted import content_of
from support.odd_files import lstm_file

from tflite_tools import convert, inspect_model
from tflite_tools.inspection_report import InspectionReport
from tflite_tools.one_bit import one_bit_record

RNG = np.random.default_rng(0)
# Convolution 3x3 from 3 to 8 channels, depthwise 3x3 of 8, 1x1 from 8 to 6 in full precision.
ONE_BIT_WEIGHTS = 27 * 8 + 9 * 8
PACKED = ONE_BIT_WEIGHTS // 8 + 4 * (8 + 8)
WIDTHS = {"float32": 4, "float16": 2, "dynamic_int8": 1, "int8": 1}


def signs(*shape, magnitudes):
    return (RNG.choice([-1.0, 1.0], shape) * magnitudes).astype("float32")


@pytest.fixture(scope="module")
def model():
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="binary")(image)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Conv2D(6, 1, name="plain")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(4, name="scores")(x), name="bits")
    factors = RNG.uniform(0.1, 2.0, 8)
    binary, depthwise = model.get_layer("binary"), model.get_layer("depthwise")
    binary.kernel.assign(signs(3, 3, 3, 8, magnitudes=factors))
    depthwise.kernel.assign(signs(3, 3, 8, 1, magnitudes=factors[:, None]))
    return model


@pytest.fixture(scope="module")
def report(model, tmp_path_factory):
    samples = RNG.normal(size=(16, 16, 16, 3)).astype("float32")
    folder = tmp_path_factory.mktemp("bits")
    # Dynamic-range int8 leaves weights as small as these in float: they count all the same.
    return convert(model, folder, precisions=tuple(WIDTHS), calibration=samples)


def test_counts_by_hand_in_every_precision(report):
    for record in report.records:
        got = record.one_bit
        assert (got.operators, got.weights, got.packed_bytes) == (2, ONE_BIT_WEIGHTS, PACKED)
        width = 4 if record.precision == "dynamic_int8" else WIDTHS[record.precision]
        assert got.stored_bytes == ONE_BIT_WEIGHTS * width


def test_the_report_says_what_they_are_worth(report):
    text = " ".join(str(report).split())
    assert "288 weights in 2 operators have 1 bit." in text
    assert "Plain TFLite gains neither speed nor size by that" in text
    assert "1 KiB in bits_float32.tflite, 1 KiB in bits_float16.tflite" in text
    assert "A kernel that reads bits would take 0 KiB for them." in text
    loaded = json.loads(report.to_json())
    assert [each["one_bit"]["packed_bytes"] for each in loaded["records"]] == 4 * [PACKED]


def test_inspect_counts_the_same(report):
    shown = InspectionReport(tuple(inspect_model(each.file) for each in report.records))
    assert [each.one_bit for each in shown.models] == [each.one_bit for each in report.records]
    text = " ".join(str(shown).split())
    # 288 float32; a bit each and a factor for each of 16 filters is 100 bytes.
    assert "288 in 2 operators: 1.1 KiB here, 0.1 KiB for a kernel that reads bits" in text
    loaded = json.loads(shown.to_json())["models"]
    assert [each["one_bit"]["packed_bytes"] for each in loaded] == 4 * [PACKED]


def test_inspect_says_nothing_without_any(tmp_path):
    file = tmp_path / "lstm.tflite"
    file.write_bytes(lstm_file())
    shown = InspectionReport((inspect_model(file),))
    assert "1-bit" not in str(shown)
    assert json.loads(shown.to_json())["models"][0]["one_bit"] is None


@pytest.mark.parametrize(
    "change",
    [
        lambda kernel: np.where(kernel == kernel[0, 0, 0], 0.0, kernel),  # a third value
        lambda kernel: np.where(kernel > 0, 2 * kernel, kernel),  # two, but no opposites
        np.abs,  # one value
        lambda kernel: RNG.normal(size=kernel.shape),
        lambda kernel: np.where(np.arange(8) < 7, kernel, 1.001 * kernel + 1e-3),  # one filter
    ],
)
def test_other_weights_do_not_count(change):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Conv2D(8, 3, name="binary")(image))
    kernel = signs(3, 3, 3, 8, magnitudes=RNG.uniform(0.1, 2.0, 8))
    layer = model.get_layer("binary")
    layer.kernel.assign(kernel)
    assert one_bit_record(content_of(model)).weights == kernel.size
    layer.kernel.assign(change(kernel))
    assert one_bit_record(content_of(model)) is None


def test_filters_of_a_few_weights_do_not_count():
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Conv2D(8, 1)(image))
    model.layers[1].kernel.assign(signs(1, 1, 3, 8, magnitudes=0.5))
    assert one_bit_record(content_of(model)) is None


def test_weights_beside_a_loop_count():
    kernel = signs(64, 4, magnitudes=RNG.uniform(0.1, 2.0, 4))
    found = one_bit_record(lstm_file(kernel.tobytes()))
    assert (found.operators, found.weights) == (1, kernel.size)
    assert one_bit_record(lstm_file()) is None
