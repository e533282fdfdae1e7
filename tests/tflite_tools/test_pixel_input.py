import keras
import numpy as np
import pytest

import keras_finet
from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import build, describe, load, save
from tflite_tools.pixel_input import with_pixel_input
from tflite_tools.preprocessing import normalization

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3)).astype("uint8")


@pytest.fixture(scope="module")
def spec(model):
    return describe(keras_finet.fuse(model))


@pytest.mark.parametrize("name", ["torch", "tf", "unit", "none"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_network_takes_pixels(spec, model, name, dtype):
    built = build(with_pixel_input(spec, normalization(name, 3), dtype=dtype))
    assert built.inputs[0].dtype == dtype
    expected = model(normalization(name, 3)(PIXELS), training=False)
    # Softmax of values that "none" makes large: float32 rounds them by 1e-7 of their size.
    np.testing.assert_allclose(built(PIXELS.astype(dtype)), expected, rtol=1e-3, atol=1e-5)


def test_borders_are_padded_with_black_after_normalization_and_not_before():
    """Why the normalization is no part of the first convolution: its padding is zeros."""
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, keras.layers.Conv2D(2, 3, padding="same")(image))
    built = build(with_pixel_input(describe(model), normalization("torch", 3), dtype="uint8"))
    pixels = PIXELS[:, :4, :4]
    expected = model(normalization("torch", 3)(pixels))
    np.testing.assert_allclose(built(pixels), expected, rtol=1e-4, atol=1e-5)


def test_the_scale_and_the_offset_are_exact(spec):
    normalize = normalization("torch", 3)
    front = with_pixel_input(spec, normalize, dtype="float32").nodes[0]
    assert front.class_name == "DepthwiseConv2D"
    kernel, bias = front.weights
    np.testing.assert_array_equal(kernel[0, 0, :, 0], np.float32(normalize.scale))
    np.testing.assert_array_equal(bias, np.float32(normalize.offset))


def test_only_the_two_nodes_are_new(spec):
    grown = with_pixel_input(spec, normalization("tf", 3), dtype="uint8")
    assert [node.class_name for node in grown.nodes[:2]] == ["Cast", "DepthwiseConv2D"]
    assert [node.name for node in grown.nodes[2:]] == [node.name for node in spec.nodes]
    assert [entry.name for entry in grown.inputs] == [entry.name for entry in spec.inputs]


def test_the_network_that_was_given_stays_as_it_is(spec, model):
    with_pixel_input(spec, normalization("tf", 3), dtype="uint8")
    np.testing.assert_allclose(
        build(spec)(PIXELS / np.float32(255)), model(PIXELS / np.float32(255)), rtol=1e-5, atol=1e-6
    )


def test_an_input_that_is_read_twice_and_returned_as_output():
    image = keras.Input((4, 4, 3))
    twice = keras.layers.Add()([image, image])
    for output in (twice, image):
        spec = describe(keras.Model(image, output))
        built = build(with_pixel_input(spec, normalization("unit", 3), dtype="uint8"))
        factor = 2 if output is twice else 1
        np.testing.assert_allclose(
            built(PIXELS[:, :4, :4]), PIXELS[:, :4, :4] / (255 / factor), rtol=1e-6
        )


def test_names_that_are_taken():
    image = keras.Input((4, 4, 3), name="cast")
    x = keras.layers.ReLU(name="normalize")(image)
    spec = describe(keras.Model(image, keras.layers.ReLU(name="cast_1")(x)))
    grown = with_pixel_input(spec, normalization("unit", 3), dtype="uint8")
    names = [grown.inputs[0].name, *(node.name for node in grown.nodes)]
    assert len(set(names)) == 5
    built = build(grown)
    np.testing.assert_allclose(built(PIXELS[:, :4, :4]), PIXELS[:, :4, :4] / 255, rtol=1e-6)


def test_it_can_be_carried_to_another_process(spec, tmp_path):
    grown = with_pixel_input(spec, normalization("torch", 3), dtype="uint8")
    save(grown, tmp_path / "graph.npz")
    np.testing.assert_array_equal(build(load(tmp_path / "graph.npz"))(PIXELS), build(grown)(PIXELS))


@pytest.mark.parametrize("shape", [(7,), (4, 4, 2), (3, 32, 32)])
def test_what_is_no_image(shape):
    entry = keras.Input(shape)
    spec = describe(keras.Model(entry, keras.layers.ReLU()(entry)))
    with pytest.raises(ToolError, match=r"expected a model whose input is an image of .*, got \("):
        with_pixel_input(spec, normalization("unit", shape[-1]), dtype="uint8")
