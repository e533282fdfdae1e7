import keras
import numpy as np
import pytest

from tflite_tools.deploy import deployable
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import requantizations
from tflite_tools.quantize import (
    _batches,
    _reason,
    check_integer_only,
    check_requantization,
    tflite_content,
)

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
    deployed = deployable(dead_channel_model(huge_weight), 1)
    return tflite_content(deployed, "int8", calibration=calibration, int8_io="int8")


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
    return tflite_content(deployable(model, 1), "int8", calibration=data, int8_io=int8_io)


@pytest.mark.parametrize("int8_io", ["int8", "float32"])
def test_operators_without_an_int8_kernel_are_named(int8_io):
    with pytest.raises(ToolError, match=r"mixed\.tflite: ELU would run in float"):
        check_integer_only(elu_content(int8_io), "mixed.tflite")


def test_float_input_and_output_are_no_float_operators(model, samples):
    content = tflite_content(deployable(model, 1), "int8", calibration=samples, int8_io="float32")
    check_integer_only(content, "whole")


def test_calibration_is_fed_in_full_batches():
    samples = np.arange(5, dtype="float32")[:, np.newaxis]
    batches = [batch for (batch,) in _batches(samples, 2)()]
    assert [batch.ravel().tolist() for batch in batches] == [[0, 1], [2, 3], [4, 4]]


LSTM_TO_INT8 = """
import keras
import numpy as np
from tflite_tools import convert
from tflite_tools.errors import ToolError

x = keras.Input((10, 4))
model = keras.Model(x, keras.layers.Dense(3)(keras.layers.LSTM(8)(x)), name="loop")
try:
    convert(model, "out", precisions=["float32", "int8"], calibration=np.ones((4, 10, 4)))
except ToolError as error:
    print(error)
"""


def test_loops_are_refused_before_the_calibrator_crashes_on_them(run_python, tmp_path):
    """In a process of its own: the crash would end the tests."""
    result = run_python("-c", LSTM_TO_INT8, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "loop: post-training int8 takes feed-forward graphs only, got WHILE" in result.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["loop_float32.tflite"]


def test_operators_that_tensorflow_lite_does_not_know_are_named():
    text = "Could not translate MLIR to FlatBuffer.<unknown>:0: error: loc(callsite(x)): 'tf.Foo' "
    text += "op is neither a custom op nor a flex op\n<unknown>:0: error: 'tf.Bar' op is neither a"
    assert _reason(ValueError(text)).startswith("it uses Bar, Foo, which TFLite's built-in")


def test_operators_outside_the_built_in_ones_are_named():
    vector = keras.Input((4,))
    hidden = layers.Dense(3, activation="tanh")(vector)
    model = keras.Model(vector, keras.ops.erfinv(hidden), name="special")
    with pytest.raises(ToolError, match=r"special: .* to float32: it uses Erfinv, which TFLite's"):
        tflite_content(deployable(model, 1), "float32", calibration=None, int8_io="int8")


def test_converting_prints_nothing(model, capfd):
    tflite_content(deployable(model, 1), "float32", calibration=None, int8_io="int8")
    assert capfd.readouterr() == ("", "")
