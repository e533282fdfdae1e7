import keras
import numpy as np
import pytest
from support.converted import content_of

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import requantizations
from tflite_tools.quantize import check_integer_only, check_requantization

layers = keras.layers


def dead_channel_model(huge_weight):
    """One input channel is zero in practice, and its weight is as if folded with no variance."""
    image = keras.Input((8, 8, 2))
    expand = layers.Conv2D(4, 1, name="expand")
    model = keras.Model(image, layers.GlobalAveragePooling2D()(expand(image)), name="dead")
    kernel = np.full((1, 1, 2, 4), 1e-3)
    kernel[0, 0, 1, 2] = huge_weight
    expand.set_weights([kernel, np.zeros(4)])
    return model


@pytest.fixture(scope="module")
def calibration():
    samples = np.random.default_rng(0).uniform(size=(20, 8, 8, 2)).astype("float32")
    samples[..., 1] = 0
    return samples


def int8_content(huge_weight, calibration):
    return content_of(dead_channel_model(huge_weight), "int8", calibration=calibration)


def test_a_dead_channel_is_refused_and_explained(calibration):
    content = int8_content(400, calibration)
    with pytest.raises(
        ToolError, match=r"dead_int8: channel 2 of CONV_2D .*expand.* factor of \d+,.*dead channel"
    ):
        check_requantization(content, "dead_int8")


def test_the_factor_is_input_times_filter_over_output_scale(calibration):
    (worst,) = requantizations(int8_content(400, calibration))
    assert worst.channel == 2
    # Inputs span [0, 1], outputs [0, 1e-3]: 255 steps each; the filter has 127 steps to 400.
    assert worst.ratio == pytest.approx((1 / 255) * (400 / 127) / (1e-3 / 255), rel=0.05)


def test_large_but_sound_weights_pass(calibration):
    content = int8_content(20, calibration)
    (item,) = requantizations(content)
    assert 100 < item.ratio < 256
    check_requantization(content, "sound")


def elu_content(int8_io):
    vector = keras.Input((4,))
    hidden = layers.Dense(3, activation="elu")(vector)
    model = keras.Model(vector, layers.Dense(2)(hidden))
    data = np.random.default_rng(1).normal(size=(20, 4)).astype("float32")
    return content_of(model, "int8", calibration=data, int8_io=int8_io)


@pytest.mark.parametrize("int8_io", ["int8", "float32"])
def test_operators_without_an_int8_kernel_are_named(int8_io):
    with pytest.raises(ToolError, match=r"mixed\.tflite: ELU would run in float"):
        check_integer_only(elu_content(int8_io), "mixed.tflite")


def test_float_input_and_output_are_no_float_operators(model, samples):
    content = content_of(model, "int8", calibration=samples, int8_io="float32")
    check_integer_only(content, "whole")
