"""WideResNet, ReActNet and CifarVGG16: the papers' counts, the wiring by hand, errors."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from keras import ops
from support.hostile import randomize

import keras_finet
from keras_finet import CifarVGG16, ReActNet18, ReActNetA, WideResNet

IMAGES = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
SMALL = {"input_shape": (32, 32, 3), "classes": 10}
WIDTHS = (32, 64, 128, 128, 256, 256, *6 * (512,), 1024, 1024)


def kernels(model):
    """Numbers of weights by whether the layer's class says that they have one bit."""
    counts = {True: 0, False: 0}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            counts["Sign" in type(layer).__name__] += int(np.prod(layer.kernel.shape))
    return counts


def outputs(model, *names):
    tensors = [model.get_layer(name).output for name in names]
    arrays = keras.tree.flatten(keras.Model(model.input, tensors)(IMAGES))
    return [ops.convert_to_numpy(array).astype("float64") for array in arrays]


def value(layer, name):
    return ops.convert_to_numpy(getattr(layer, name)).astype("float64")


def wide_resnet_weights(classes, width=160, blocks=3):
    yield 9 * 3 * width
    channels = width
    for filters in (width, 2 * width, 4 * width):
        for _ in range(blocks):
            yield 9 * channels * filters
            yield 9 * filters * filters
            channels = filters
    yield channels * classes


@pytest.mark.parametrize(
    ("classes", "printed", "arguments"),
    [(10, 26_737_120, {}), (100, 26_794_720, {"normalization": "batch_norm", "binary": False})],
)
def test_wide_resnet_has_the_paper_s_weights(classes, printed, arguments):
    model = WideResNet(input_shape=(32, 32, 3), classes=classes, **arguments)
    assert kernels(model)[arguments.get("binary", True)] == printed
    assert sum(wide_resnet_weights(classes)) == printed
    report = keras_finet.complexity(model)
    assert report.parameters == printed + 6
    # 4.02 G on CIFAR-10: all but the last of the four sizes of image are halved.
    sides = [32] + 6 * [32] + 6 * [16] + 6 * [8] + [8]
    counts = list(wide_resnet_weights(classes))
    assert report.macs == sum(n * side**2 for n, side in zip(counts, sides, strict=True))
    assert round(report.macs / 1e9, 2) == 4.02


def test_a_block_of_wide_resnet_by_hand():
    """The first block of a stage: two strided paths, zeros for new channels."""
    model = WideResNet(depth=8, width=1, **SMALL)
    randomize(model)
    x, y = outputs(model, "stage2_block1_add", "stage3_block1_add")

    def convolved(x, name, strides):
        weights = np.sign(value(model.get_layer(name), "kernel"))
        weights *= np.sqrt(2 / np.prod(weights.shape[:3]))
        x = np.maximum(x, -1).astype("float32")
        return ops.convert_to_numpy(ops.conv(x, weights.astype("float32"), strides, "same"))

    branch = convolved(convolved(x, "stage3_block1_conv1", 2), "stage3_block1_conv2", 1)
    # 3x3, stride 2, "same" on an even side: a row and a column are missing at the end only.
    windows = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=np.nan)
    windows = np.stack(
        [windows[:, i : i + 32 : 2, j : j + 32 : 2] for i in range(3) for j in range(3)]
    )
    shortcut = np.concatenate([np.nanmean(windows, axis=0), np.zeros_like(branch[..., :16])], -1)
    assert np.abs(shortcut + branch - y).max() < 1e-5 * np.abs(y).max()


@pytest.mark.parametrize(
    ("arguments", "temperature"),
    [
        ({}, 40),
        ({"binary": False}, 80),
        ({"classes": 100}, 25),
        ({"classes": 11, "binary": False}, 25),
        ({"temperature": 7}, 7),
    ],
    ids=str,
)
def test_temperatures_of_wide_resnet(arguments, temperature):
    arguments = {**SMALL, "classifier_activation": None, **arguments}
    model = WideResNet(depth=8, width=1, **arguments)
    (logits,) = outputs(model, "logits")
    expected = logits.mean((1, 2)) / temperature
    assert np.allclose(ops.convert_to_numpy(model(IMAGES)), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 18}, r"`depth` to be 6 n \+ 2: 8, 14, 20, .* Received: 18"),
        ({"depth": 2}, "`depth` to be"),
        ({"width": 0}, "`width` to be a positive integer"),
        ({"normalization": "fbn"}, r"one of \('shifted_relu', 'batch_norm'\)"),
        ({"temperature": 0}, "`temperature` to be a positive number"),
        ({"temperature": 40, "normalization": "batch_norm"}, "`temperature` only with"),
    ],
    ids=str,
)
def test_bad_arguments_of_wide_resnet(arguments, message):
    with pytest.raises(ValueError, match=message):
        WideResNet(**arguments)


def test_reactnet_a_has_the_paper_s_counts():
    """28.25 M binary and 1.026 M float weights, 29.33 M in total, 4.82 G binary MACs."""
    model = ReActNetA()
    pairs = list(pairwise(WIDTHS))
    binary = sum(9 * a * a + a * b for a, b in pairs)
    full = 27 * 32 + 1024 * 1000
    assert kernels(model) == {True: binary, False: full}
    assert (round(binary / 1e6, 2), round((full + 1000) / 1e6, 3)) == (28.25, 1.026)
    # A sign's offset and three of RPReLU a channel, and a gain a filter.
    others = sum((1 + 1 + 3) * a + a + (1 + 3) * b for a, b in pairs)
    report = keras_finet.complexity(model)
    assert report.parameters == binary + full + 1000 + 32 + others
    assert round(report.parameters / 1e6, 2) == 29.33
    halved, side, macs = 0, 112, 0
    for a, b in pairs:
        side //= 2 if a != b and halved else 1
        halved += a != b
        macs += side**2 * (9 * a * a + a * b)
    assert report.macs - macs == 112**2 * 27 * 32 + 1024 * 1000
    assert round(macs / 1e9, 2) == 4.82


def test_reactnet_18_counts_by_hand():
    widths = (64, 64, 64, 64, 64, *4 * (128,), *4 * (256,), *4 * (512,))
    pairs = list(pairwise(widths))
    binary = sum(9 * a * b + (a * b if a != b else 0) for a, b in pairs)
    assert kernels(ReActNet18()) == {True: binary, False: 147 * 64 + 512 * 1000}
    model = ReActNet18(normalization="none", binary_weights=False)
    assert kernels(model) == {True: 0, False: binary + 147 * 64 + 512 * 1000}


@pytest.mark.parametrize("normalization", ["batch_norm", "none", "bn_free"])
def test_float_weights_are_where_binary_ones_are(normalization):
    """Step 2 of the papers starts from the weights of step 1."""
    arguments = {**SMALL, "widths": (4, 8, 16), "normalization": normalization}
    first, second = (ReActNetA(binary_weights=b, **arguments) for b in (False, True))
    assert [(w.path, w.shape) for w in first.weights] == [(w.path, w.shape) for w in second.weights]
    assert kernels(first)[True] == 0
    second.set_weights(first.get_weights())


def sign(x):
    return np.where(x >= 0, 1.0, -1.0)


def rprelu(layer, x):
    x = x + value(layer, "shift_in")
    return np.where(x >= 0, x, value(layer, "slope") * x) + value(layer, "shift_out")


def test_units_of_a_bn_free_reactnet_by_hand():
    """A 1x1 unit that doubles, and the 3x3 unit behind it that halves the image."""
    model = ReActNetA(**SMALL, widths=(4, 8, 16), stem="cifar")
    randomize(model)
    names = ("conv1_rprelu", "conv2_rprelu")
    first, doubled = outputs(model, *(f"stage2_block1_{name}" for name in names))
    (halved,) = outputs(model, "stage3_block1_conv1_rprelu")

    def convolved(x, name, variance, strides):
        binary, layer = model.get_layer(f"{name}_sign"), model.get_layer(name)
        signs = sign(x / np.sqrt(variance) + value(binary, "bias"))
        weights = value(layer, "kernel")
        weights = weights - weights.mean((0, 1, 2))
        weights /= (weights.std((0, 1, 2)) + 1e-5) * np.sqrt(np.prod(weights.shape[:3]))
        weights = np.abs(weights).mean((0, 1, 2)) * sign(weights)
        weights = 0.2 * value(layer, "gamma") * weights
        return ops.convert_to_numpy(
            ops.conv(signs.astype("float32"), weights.astype("float32"), strides, "same")
        )

    def assert_close(actual, expected):
        # A sign that rounding turns around is a few values in thousands.
        assert np.mean(np.abs(actual - expected) > 1e-5 * np.abs(expected).max()) < 0.01

    name = "stage2_block1_conv2"
    expected = np.concatenate([first, first], -1) + convolved(first, name, 1.04, 1)
    assert_close(doubled, rprelu(model.get_layer(f"{name}_rprelu"), expected))
    name = "stage3_block1_conv1"
    scaled = doubled / np.sqrt(1.08)
    pooled = scaled.reshape(2, 16, 2, 16, 2, 8).mean((2, 4))
    expected = pooled + convolved(doubled, name, 1.08, 2)
    assert_close(halved, rprelu(model.get_layer(f"{name}_rprelu"), expected))
    # Behind a pooled shortcut of variance 1 it is 1.04 again.
    assert model.get_layer("stage3_block1_conv2_sign").scale == pytest.approx(1.04**-0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": (32, 48)}, r"`widths` of which .* twice that.* Received: \(32, 48\)"),
        ({"widths": (32, 16)}, "`widths` of which"),
        ({"widths": (32,)}, "`widths` of which"),
        ({"widths": 32}, "`widths` to be a sequence of integers. Received: 32"),
        ({"widths": (0, 0)}, "`widths` to be a positive integer"),
        ({"stem": "mnist"}, "`stem` to be one of"),
        ({"normalization": "fbn"}, r"one of \('batch_norm', 'none', 'bn_free'\)"),
    ],
    ids=str,
)
def test_bad_arguments_of_reactnet(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReActNetA(**arguments)


def test_cifar_vgg16_counts_and_first_weights():
    keras.utils.set_random_seed(0)
    model = CifarVGG16(input_shape=(32, 32, 3), classes=100)
    widths = (3, 64, 64, 128, 128, 256, 256, 256, *6 * (512,))
    weights = sum(9 * a * b + b for a, b in pairwise(widths))
    weights += 512 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 100
    assert keras_finet.complexity(model).parameters == weights == 34_006_848
    kernel = value(model.get_layer("stage5_conv3"), "kernel")
    assert kernel.std() == pytest.approx(np.sqrt(2.8 / (9 * 512)), rel=0.01)
    assert np.abs(kernel.mean((0, 1, 2))).max() < 1e-7
    assert np.abs(value(model.get_layer("stage1_conv1"), "kernel").mean((0, 1, 2))).max() > 1e-3
