"""What all builders share and `keras.applications` says otherwise or not at all."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_finet


def build(**arguments):
    return keras_finet.FinetSmall(**{"input_shape": (32, 32, 3), "classes": 7, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "missing.weights.h5"}, "`weights` argument .* where there is no file"),
        ({"weights": 5}, "`weights` argument should be either"),
        ({"input_shape": 32}, "must be a tuple of three integers"),
        ({"input_shape": (32, 32, None)}, "must be a tuple of three integers"),
        ({"input_shape": (32, 32, 0)}, "must be a tuple of three integers"),
        ({"input_shape": (32, 32.5, 3)}, "must be a tuple of three integers"),
        ({"input_tensor": keras.Input((64, 64, 3))}, "that of `input_tensor`, or to be left out"),
        ({"input_tensor": keras.Input((64, 3)), "input_shape": None}, "tuple of three integers"),
        (
            {"input_tensor": keras.Input((16, 64, 3)), "input_shape": None},
            "Input size must be at least 32x32",
        ),
        ({"input_tensor": np.zeros((1, 32, 32, 3))}, "output of `keras.Input`"),
        ({"classes": 0}, "`classes` to be a positive integer"),
        ({"classes": 2.0}, "`classes` to be a positive integer"),
        ({"classes": True}, "`classes` to be a positive integer"),
        ({"include_top": False, "pooling": "mean"}, '`pooling` to be None, "avg" or "max"'),
    ],
    ids=str,
)
def test_bad_arguments_say_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_pooling_is_ignored_with_the_top():
    assert build(pooling="mean").output_shape == (None, 7)


def test_several_inputs_before_the_image():
    sources = [keras.Input((32, 32, 1), name=name) for name in ("left", "right", "thermal")]
    model = build(input_tensor=layers.Concatenate()(sources))
    assert [tensor.name for tensor in model.inputs] == ["left", "right", "thermal"]


def test_channels_first_by_default():
    previous = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        model = keras_finet.FinetSmall()
        assert model.input_shape == (None, 3, 224, 224)
        assert model.get_layer("conv5").output.shape == (None, 1024, 7, 7)
        assert keras_finet.complexity(model).paper_macs == 43_058_848
        backbone = keras_finet.FinetSmall(features=("stage2", "conv5"), input_shape=(3, 64, None))
        assert backbone.output["stage2"].shape == (None, 30, 8, None)
        with pytest.raises(ValueError, match="at least 32x32"):
            keras_finet.FinetSmall(input_shape=(32, 32, 3))
        with pytest.raises(ValueError, match="should specify a static"):
            keras_finet.FinetSmall(input_shape=(3, None, 32))
    finally:
        keras.config.set_image_data_format(previous)
