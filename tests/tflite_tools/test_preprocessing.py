import numpy as np
import pytest

import keras_finet
from tflite_tools.errors import ToolError
from tflite_tools.preprocessing import PREPROCESSING, normalization

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype("float32")


def test_torch_is_what_the_models_are_trained_with():
    # Two roundings of float32 more or less, at values up to 2.64.
    np.testing.assert_allclose(
        normalization("torch", 3)(PIXELS),
        np.asarray(keras_finet.preprocess_input(PIXELS.copy())),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("name", "black", "white"), [("tf", -1, 1), ("unit", 0, 1), ("none", 0, 255)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_ranges_are_exact(name, black, white, channels):
    pixels = np.array([[0] * channels, [255] * channels], "float32")
    values = normalization(name, channels)(pixels)
    assert values.dtype == np.float32
    assert values.tolist() == [[black] * channels, [white] * channels]


@pytest.mark.parametrize("name", PREPROCESSING)
def test_scale_and_offset_are_the_same_function(name):
    normalize = normalization(name, 3)
    straight = PIXELS.astype("float64") * normalize.scale + normalize.offset
    np.testing.assert_allclose(normalize(PIXELS), straight, rtol=0, atol=1e-6)


def test_the_pixels_stay_as_they_are():
    pixels = PIXELS.copy()
    normalization("none", 3)(pixels)[:] = 7
    normalization("tf", 3)(pixels)
    np.testing.assert_array_equal(pixels, PIXELS)


def test_an_unknown_name_is_listed_with_the_known_ones():
    with pytest.raises(ToolError, match=r"one of torch, tf, unit, none, got caffe"):
        normalization("caffe", 3)


@pytest.mark.parametrize("channels", [1, 4])
def test_torch_needs_rgb(channels):
    with pytest.raises(
        ToolError, match=rf"takes {channels} channel\(s\)\. Choose one of tf, unit, none"
    ):
        normalization("torch", channels)
