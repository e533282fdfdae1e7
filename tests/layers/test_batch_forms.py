"""Training: outputs, statistics and gradients against NumPy in float64."""

import keras
import numpy as np
import pytest
from keras import ops
from support import reference, training
from support.reference import Convolution

from keras_finet.layers import FineGrainedBatchNorm

EPSILON = 1e-3
tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="float64 is exact on tensorflow alone"
)


def hostile_parameters(layer, seed):
    """Random kernel, factors of both signs and unequal offsets, whatever the layer's defaults."""
    rng = np.random.default_rng(seed)
    for variable in layer.trainable_variables:
        values = rng.normal(size=variable.shape)
        if variable.name == "gamma":
            values = np.sign(values) * rng.uniform(0.2, 2.0, size=variable.shape)
        variable.assign(values)


def array(variable):
    return ops.convert_to_numpy(ops.cast(variable, variable.dtype))


def parameters(layer):
    """Kernel, gamma and beta as arrays; ones and zeros where the layer has none."""
    shape = tuple(layer.moving_mean.shape)
    gamma = array(layer.gamma) if layer.scale else np.ones(shape)
    beta = array(layer.beta) if layer.center else np.zeros(shape)
    return array(layer.kernel), gamma, beta


def from_channels_first(images):
    return images.transpose(0, 2, 3, 1)


def compare_steps(layer, batches, tolerance, momentum=0.9):
    """Runs a training step per batch and compares everything that it gives."""
    first = layer.data_format == "channels_first"
    layer.build(batches[0].shape)
    hostile_parameters(layer, seed=1)
    kernel, gamma, beta = parameters(layer)
    conv = Convolution(layer.strides, layer.padding, layer.dilation_rate)
    moving_mean, moving_variance = np.zeros(gamma.shape), np.ones(gamma.shape)
    for seed, batch in enumerate(batches):
        shape = layer.compute_output_shape(batch.shape)
        upstream = np.random.default_rng(seed).normal(size=shape).astype(batch.dtype)
        outputs, d_inputs, gradients = training.step(layer, batch, upstream)
        to_last = (
            (lambda images: images.transpose(0, 2, 3, 1)) if first else (lambda images: images)
        )
        expected = reference.training_step(
            to_last(batch), kernel, gamma, beta, layer.epsilon, conv, to_last(upstream)
        )
        moving_mean = momentum * moving_mean + (1 - momentum) * expected.mean
        moving_variance = momentum * moving_variance + (1 - momentum) * expected.variance
        found = {name.split("/")[-1]: gradient for name, gradient in gradients.items()}
        pairs = {
            "outputs": (to_last(outputs), expected.outputs),
            "inputs": (to_last(d_inputs), expected.d_inputs),
            "kernel": (found["kernel"], expected.d_kernel),
            "moving_mean": (array(layer.moving_mean), moving_mean),
            "moving_variance": (array(layer.moving_variance), moving_variance),
        }
        if layer.scale:
            pairs["gamma"] = (found["gamma"], expected.d_gamma)
        if layer.center:
            pairs["beta"] = (found["beta"], expected.d_beta)
        errors = {name: training.relative_error(*pair) for name, pair in pairs.items()}
        assert max(errors.values()) <= tolerance, errors


def images(shape, dtype="float32", seed=0, batches=2):
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.3, 3.0, size=shape[-1])
    return [(rng.normal(size=shape) * scale + 0.5).astype(dtype) for _ in range(batches)]


GEOMETRIES = {
    "1x1": {"kernel_size": 1},
    "1x1 stride 2": {"kernel_size": 1, "strides": 2, "padding": "same"},
    "1x1 strides 3, 1": {"kernel_size": 1, "strides": (3, 1)},
    "3x3 valid": {"kernel_size": 3},
    "3x3 same": {"kernel_size": 3, "padding": "same"},
    "3x3 same stride 2": {"kernel_size": 3, "strides": 2, "padding": "same"},
    "2x4 same stride 2": {"kernel_size": (2, 4), "strides": 2, "padding": "same"},
    # A large kernel for a small map: the partial sums are kept, not made again.
    "5x5 same stride 4": {"kernel_size": 5, "strides": 4, "padding": "same"},
    "3x3 dilated": {"kernel_size": 3, "dilation_rate": 2, "padding": "same"},
}
GROUPS = {"G=1": 1, "G=2": 2, "G=4, uneven": 4, "G=C": 10}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_step_equals_numpy(geometry, groups):
    layer = FineGrainedBatchNorm(6, groups=groups, momentum=0.9, **geometry)
    compare_steps(layer, images((4, 7, 8, 10)), tolerance=2e-5)


@tensorflow_only
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_step_equals_numpy_in_float64(geometry):
    layer = FineGrainedBatchNorm(6, groups=4, momentum=0.9, dtype="float64", **geometry)
    compare_steps(layer, images((4, 7, 8, 10), "float64"), tolerance=1e-10)


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"center": False},
        {"scale": False},
        {"center": False, "scale": False},
        {"epsilon": 0.1},
        {"statistics": "direct"},
        {"data_format": "channels_first"},
        {"channels_per_group": 3},
    ],
    ids=str,
)
def test_options_equal_numpy(kernel_size, options):
    layer = FineGrainedBatchNorm(6, kernel_size, momentum=0.9, **options)
    shape = (4, 10, 7, 8) if "data_format" in options else (4, 7, 8, 10)
    compare_steps(layer, images(shape), tolerance=2e-5)


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("one pixel an image", images((16, 1, 1, 12), batches=1)[0]),
        ("one image", images((1, 5, 5, 12), batches=1)[0]),
        # Biased and unbiased variance differ by a third here.
        ("few pixels", images((1, 2, 2, 12), batches=1)[0]),
        # 2 pixels, 3 channels a group: the covariance is singular.
        ("fewer pixels than channels", images((1, 1, 2, 12), batches=1)[0]),
        ("odd and even maps", images((2, 5, 2, 12), batches=1)[0]),
    ],
)
def test_small_batches_equal_numpy(name, batch):
    layer = FineGrainedBatchNorm(5, 1, groups=4, momentum=0.9)
    compare_steps(layer, [batch], tolerance=5e-5)


@pytest.mark.parametrize(("kernel_size", "tolerance"), [(1, 5e-4), (3, 1e-3), (7, 1e-3)])
def test_large_mean_keeps_its_digits(kernel_size, tolerance):
    """Mean 100, std 0.1: E[x^2] - E[x]^2 would lose every digit."""
    rng = np.random.default_rng(0)
    batch = rng.normal(100.0, 0.1, size=(4, 8, 8, 12)).astype("float32")
    layer = FineGrainedBatchNorm(5, kernel_size, groups=3, momentum=0.9)
    compare_steps(layer, [batch], tolerance=tolerance)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_constant_channels_stay_finite(kernel_size):
    batch = np.full((2, 6, 6, 8), 3.0, "float32")
    layer = FineGrainedBatchNorm(4, kernel_size, groups=2)
    upstream = np.ones(layer.compute_output_shape(batch.shape), "float32")
    outputs, d_inputs, gradients = training.step(layer, batch, upstream)
    assert np.max(np.abs(outputs)) < 1e-3
    assert all(np.isfinite(array).all() for array in (outputs, d_inputs, *gradients.values()))


def test_huge_common_mode_stays_finite():
    """Filters that cancel a common mode 10^4 times the noise can leave a negative variance."""
    rng = np.random.default_rng(0)
    common = 1e4 * rng.normal(size=(8, 4, 4, 1))
    batch = (common + rng.normal(size=(8, 4, 4, 8))).astype("float32")
    layer = FineGrainedBatchNorm(6, 1, groups=2)
    layer.build(batch.shape)
    kernel = rng.normal(size=layer.kernel.shape)
    kernel[:, :, :4] -= kernel[:, :, :4].mean(axis=2, keepdims=True)
    kernel[:, :, 4:] -= kernel[:, :, 4:].mean(axis=2, keepdims=True)
    layer.kernel.assign(kernel)
    outputs, d_inputs, gradients = training.step(layer, batch, np.ones((8, 4, 4, 6), "float32"))
    assert all(np.isfinite(array).all() for array in (outputs, d_inputs, *gradients.values()))
    assert np.min(array(layer.moving_variance)) >= 0.99


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_gradients_are_invariant_as_the_algebra_says(kernel_size):
    """No reference needed: outputs ignore a shift of x, and the scale of x and of each W_gf."""
    rng = np.random.default_rng(0)
    batch = rng.normal(size=(4, 6, 6, 8)).astype("float32")
    layer = FineGrainedBatchNorm(5, kernel_size, groups=2, epsilon=1e-12)
    layer.build(batch.shape)
    hostile_parameters(layer, seed=3)
    upstream = rng.normal(size=layer.compute_output_shape(batch.shape)).astype("float32")
    _, d_inputs, gradients = training.step(layer, batch, upstream)
    size = np.sqrt(np.mean(d_inputs**2)) * batch.size
    if kernel_size == 1:
        assert np.max(np.abs(d_inputs.sum((0, 1, 2)))) < 1e-6 * size
    for channels in reference.split(8, 2):
        assert abs(np.sum(d_inputs[..., channels] * batch[..., channels])) < 1e-6 * size
        d_kernel = next(gradients[name] for name in gradients if name.endswith("kernel"))
        products = (d_kernel * array(layer.kernel))[:, :, channels]
        assert np.max(np.abs(products.sum((0, 1, 2)))) < 1e-5 * np.max(np.abs(products)) * 8


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize(
    ("policy", "tolerance"), [("mixed_float16", 5e-3), ("mixed_bfloat16", 4e-2)]
)
def test_mixed_precision_keeps_statistics_in_float32(policy, tolerance, kernel_size):
    rng = np.random.default_rng(0)
    batch = rng.normal(3.0, 1.0, size=(4, 8, 8, 12)).astype("float32")
    layer = FineGrainedBatchNorm(5, kernel_size, groups=3, momentum=0.0, dtype=policy)
    outputs = layer(batch, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == layer.compute_dtype
    assert all(variable.dtype == "float32" for variable in layer.variables)
    rounded = ops.convert_to_numpy(ops.cast(ops.cast(batch, layer.compute_dtype), "float32"))
    kernel, gamma, beta = parameters(layer)
    upstream = np.random.default_rng(1).normal(size=layer.compute_output_shape(batch.shape))
    upstream = ops.convert_to_numpy(ops.cast(ops.cast(upstream, layer.compute_dtype), "float32"))
    expected = reference.training_step(rounded, kernel, gamma, beta, 1e-3, Convolution(), upstream)
    found = ops.convert_to_numpy(ops.cast(outputs, "float32"))
    assert training.relative_error(found, expected.outputs) < tolerance
    half = ops.cast(batch, layer.compute_dtype)
    _, d_inputs, gradients = training.step(layer, half, upstream)
    assert training.relative_error(d_inputs, expected.d_inputs) < 2 * tolerance
    for name in ("kernel", "gamma", "beta"):
        found = next(value for path, value in gradients.items() if path.endswith(name))
        assert training.relative_error(found, getattr(expected, f"d_{name}")) < 2 * tolerance
    if kernel_size == 1:
        variance = array(layer.moving_variance)
        assert training.relative_error(variance, expected.variance) < 1e-5
