"""Convolutions whose kernel is a function of their variables, against NumPy in float64."""

import numpy as np
import pytest
from keras import ops
from support import training
from support.reference import Convolution, convolve, convolve_gradients

from keras_finet.layers import (
    MeanSignConv2D,
    SignConv2D,
    SignDepthwiseConv2D,
    SignStandardizedConv2D,
    StandardizedConv2D,
    StandardizedDepthwiseConv2D,
)

CONV = Convolution(strides=(2, 2), padding="same")
WINDOW = {"kernel_size": (3, 2), "strides": 2, "padding": "same", "data_format": "channels_last"}
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 7, 6, 5)).astype("float32")
KERNEL = RNG.normal(size=(3, 2, 5, 4)).astype("float32")
KERNEL[0, 0, :2, 0] = 0.0, -0.0
GAMMA = np.array([0.5, -1.3, 2.0, 0.01], "float32")
BIAS = np.array([0.3, -0.2, 0.0, 5.0], "float32")
UPSTREAM = RNG.normal(size=(3, 4, 3, 4)).astype("float32")
EPSILON = 1e-5


def run(layer, *weights, images=IMAGES, upstream=UPSTREAM):
    """Outputs, the gradient of the inputs, and those of the weights by their names."""
    layer.build(images.shape)
    layer.set_weights(weights)
    outputs, d_inputs, gradients = training.step(layer, images, upstream)
    return outputs, d_inputs, {path.split("/")[-1]: each for path, each in gradients.items()}


def assert_close(actual, expected):
    assert training.relative_error(actual, expected) < 1e-5


def two_signs(kernel):
    return np.where(np.asarray(kernel) >= 0, 1.0, -1.0)


def standardized(kernel):
    """The kernel, its mean subtracted, its deviation, and W_0 of the specification."""
    kernel = kernel.astype("float64")
    size = np.prod(kernel.shape[:3])
    centred = kernel - kernel.sum((0, 1, 2)) / size
    deviation = np.sqrt((centred**2).sum((0, 1, 2)) / size)
    return centred, deviation, centred / (deviation + EPSILON) / np.sqrt(size)


def d_standardized(kernel, upstream):
    """What `upstream`, the gradient of W_0, is for the kernel, by the textbook."""
    centred, deviation, _ = standardized(kernel)
    size = np.prod(kernel.shape[:3])
    upstream = upstream / np.sqrt(size)
    along = (upstream * centred).sum((0, 1, 2)) / (size * deviation * (deviation + EPSILON) ** 2)
    d_centred = upstream / (deviation + EPSILON) - centred * along
    return d_centred - d_centred.mean((0, 1, 2))


def images64():
    return IMAGES.astype("float64"), UPSTREAM.astype("float64")


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_sign_conv_is_a_conv_of_signs_with_the_gradient_of_one(gain):
    outputs, d_inputs, gradients = run(SignConv2D(4, gain=gain, **WINDOW), KERNEL)
    images, upstream = images64()
    kernel = gain * np.sqrt(2 / (3 * 2 * 5)) * two_signs(KERNEL)
    assert_close(outputs, convolve(images, kernel, CONV))
    expected, d_kernel = convolve_gradients(images, kernel, CONV, upstream)
    assert_close(d_inputs, expected)
    assert_close(gradients["kernel"], d_kernel)


@pytest.mark.parametrize(("multiplier", "gain"), [(1, 1.0), (3, 0.3)])
def test_sign_depthwise_conv_is_one_of_signs_with_the_gradient_of_one(multiplier, gain):
    kernel = RNG.normal(size=(3, 2, 5, multiplier)).astype("float32")
    kernel[1, 1, 2] = 0.0
    upstream = RNG.normal(size=(3, 4, 3, 5 * multiplier)).astype("float32")
    layer = SignDepthwiseConv2D(depth_multiplier=multiplier, gain=gain, **WINDOW)
    outputs, d_inputs, gradients = run(layer, kernel, upstream=upstream)
    derived = gain * np.sqrt(2 / (3 * 2)) * two_signs(kernel)
    for channel in range(5):
        image = IMAGES[..., channel : channel + 1].astype("float64")
        own = slice(channel * multiplier, (channel + 1) * multiplier)
        window = derived[:, :, channel : channel + 1]
        assert_close(outputs[..., own], convolve(image, window, CONV))
        expected, d_kernel = convolve_gradients(
            image, window, CONV, upstream[..., own].astype("float64")
        )
        assert_close(d_inputs[..., channel : channel + 1], expected)
        assert_close(gradients["kernel"][:, :, channel : channel + 1], d_kernel)


def test_mean_sign_conv_is_a_conv_of_signs_with_a_clipped_gradient():
    kernel = 0.9 * KERNEL
    assert 0.05 < (np.abs(kernel) > 1).mean() < 0.95
    outputs, d_inputs, gradients = run(MeanSignConv2D(4, **WINDOW), kernel)
    images, upstream = images64()
    binary = np.abs(kernel.astype("float64")).mean((0, 1, 2)) * two_signs(kernel)
    assert_close(outputs, convolve(images, binary, CONV))
    expected, d_kernel = convolve_gradients(images, binary, CONV, upstream)
    assert_close(d_inputs, expected)
    # The mean has no gradient, and is no factor of the one that goes straight through.
    assert_close(gradients["kernel"], np.where(np.abs(kernel) <= 1, d_kernel, 0.0))


@pytest.mark.parametrize("multiplier", [1, 3])
def test_standardized_depthwise_conv_is_one_conv_for_each_channel(multiplier):
    kernel = RNG.normal(size=(3, 2, 5, multiplier)).astype("float32")
    gamma = RNG.normal(size=(5, multiplier)).astype("float32")
    bias = RNG.normal(size=5 * multiplier).astype("float32")
    upstream = RNG.normal(size=(3, 4, 3, 5 * multiplier)).astype("float32")
    layer = StandardizedDepthwiseConv2D(depth_multiplier=multiplier, gain=1.713, **WINDOW)
    outputs, d_inputs, gradients = run(layer, kernel, gamma, bias, upstream=upstream)
    assert_close(gradients["bias"], upstream.astype("float64").sum((0, 1, 2)))
    for channel in range(5):
        image = IMAGES[..., channel : channel + 1].astype("float64")
        own = slice(channel * multiplier, (channel + 1) * multiplier)
        window = kernel[:, :, channel : channel + 1]
        *_, unit = standardized(window)
        factors = 1.713 * gamma[channel].astype("float64")
        assert_close(outputs[..., own], convolve(image, factors * unit, CONV) + bias[own])
        expected, d_kernel = convolve_gradients(
            image, factors * unit, CONV, upstream[..., own].astype("float64")
        )
        assert_close(d_inputs[..., channel : channel + 1], expected)
        got = gradients["kernel"][:, :, channel : channel + 1]
        assert_close(got, d_standardized(window, factors * d_kernel))
        assert_close(gradients["gamma"][channel], (1.713 * unit * d_kernel).sum((0, 1, 2)))


@pytest.mark.parametrize("gain", [1.0, 1.713])
def test_standardized_conv_and_its_gradient_through_the_standardisation(gain):
    layer = StandardizedConv2D(4, gain=gain, **WINDOW)
    outputs, d_inputs, gradients = run(layer, KERNEL, GAMMA, BIAS)
    images, upstream = images64()
    *_, unit = standardized(KERNEL)
    kernel = gain * GAMMA.astype("float64") * unit
    assert_close(outputs, convolve(images, kernel, CONV) + BIAS)
    expected, d_kernel = convolve_gradients(images, kernel, CONV, upstream)
    assert_close(d_inputs, expected)
    assert_close(gradients["kernel"], d_standardized(KERNEL, gain * GAMMA * d_kernel))
    assert_close(gradients["gamma"], (gain * unit * d_kernel).sum((0, 1, 2)))
    assert_close(gradients["bias"], upstream.sum((0, 1, 2)))


def test_sign_standardized_conv_and_its_gradient_through_the_standardisation():
    outputs, d_inputs, gradients = run(SignStandardizedConv2D(4, **WINDOW), KERNEL, GAMMA)
    images, upstream = images64()
    *_, unit = standardized(KERNEL)
    binary = np.abs(unit).mean((0, 1, 2)) * two_signs(unit)
    kernel = GAMMA.astype("float64") * binary
    assert_close(outputs, convolve(images, kernel, CONV))
    expected, d_kernel = convolve_gradients(images, kernel, CONV, upstream)
    assert_close(d_inputs, expected)
    # The mean of |W_0| has no gradient, and is no factor of the one that goes straight through.
    assert_close(gradients["kernel"], d_standardized(KERNEL, GAMMA * d_kernel))
    assert_close(gradients["gamma"], (binary * d_kernel).sum((0, 1, 2)))


@pytest.mark.parametrize("layer_class", [StandardizedConv2D, SignStandardizedConv2D])
def test_filters_of_equal_weights_have_finite_gradients(layer_class):
    layer = layer_class(4, **WINDOW, kernel_initializer="zeros")
    outputs, d_inputs, gradients = training.step(layer, IMAGES, UPSTREAM)
    for array in (outputs, d_inputs, *gradients.values()):
        assert np.isfinite(array).all()


def kernel_that_convolves(layer, kernel, dtype="float32"):
    """What a layer multiplies single pixels with, by channel and filter."""
    height, width, channels = kernel.shape[:3]
    layer.build((None, height, width, channels))
    layer.kernel.assign(kernel)
    pixels = np.eye(height * width * channels, dtype=dtype)
    return ops.convert_to_numpy(
        ops.cast(layer(pixels.reshape(-1, height, width, channels)), "float32")
    )


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("layer_class", [SignConv2D, SignStandardizedConv2D, MeanSignConv2D])
def test_weights_are_exactly_two_valued_in_training_and_folded(layer_class, dtype):
    layer = layer_class(4, (3, 2), dtype=dtype)
    # In float16 tiny ones would vanish, signs included.
    least = 1e-12 if layer_class is SignConv2D else 1e-3
    kernel = KERNEL * np.array([1.0, 0.1, least, 1e3], "float32")
    seen = kernel_that_convolves(layer, kernel).reshape(-1, 4)
    folded = layer.fold().kernel.reshape(-1, 4)
    for column in range(4):
        for weights in (seen[:, column], folded[:, column], folded[:, column].astype("float32")):
            low, high = np.unique(weights)
            assert low == -high < 0
        assert np.array_equal(seen[:, column] > 0, folded[:, column] > 0)
    if layer_class is SignConv2D:
        assert np.array_equal(folded > 0, kernel.reshape(-1, 4) >= 0)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_sign_of_zero_is_one(zero):
    kernel = np.full((3, 3, 2, 1), zero, "float32")
    for layer in (SignConv2D(1, 3), SignDepthwiseConv2D(3)):
        seen = kernel_that_convolves(layer, kernel)
        assert seen.min() >= 0
        assert seen.max() > 0
        assert (layer.fold().kernel > 0).all()


@pytest.mark.parametrize("layer_class", [StandardizedConv2D, SignStandardizedConv2D])
def test_a_filter_of_one_weight_is_refused(layer_class):
    with pytest.raises(ValueError, match="more than one weight a filter"):
        layer_class(4, 1).build((None, 8, 8, 1))


@pytest.mark.parametrize("options", [{"gain": 0}, {"gain": float("nan")}, {"epsilon": -1.0}])
def test_factors_that_are_not_positive_are_refused(options):
    with pytest.raises(ValueError, match=f"Expected `{next(iter(options))}` to be a positive"):
        StandardizedConv2D(4, 3, **options)


@pytest.mark.parametrize(("layer_class", "filters"), [(SignConv2D, [4]), (SignDepthwiseConv2D, [])])
def test_a_gain_that_turns_signs_around_is_refused(layer_class, filters):
    with pytest.raises(ValueError, match="Expected `gain` to be a positive number"):
        layer_class(*filters, 3, gain=-1.0)


def test_a_window_of_one_pixel_is_refused():
    with pytest.raises(ValueError, match="more than one weight a filter"):
        StandardizedDepthwiseConv2D(1).build((None, 8, 8, 4))


def test_unequal_strides_of_a_depthwise_conv_are_refused():
    with pytest.raises(ValueError, match="two equal `strides`"):
        SignDepthwiseConv2D(3, strides=(1, 2))


@pytest.mark.parametrize(
    "layer", [SignConv2D(2, 3), SignDepthwiseConv2D(3), StandardizedConv2D(2, 3)]
)
def test_fold_of_a_layer_that_is_not_built_is_refused(layer):
    with pytest.raises(ValueError, match="to be built"):
        layer.fold()
