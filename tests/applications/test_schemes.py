"""The schemes of Finet and the ResNets: counts, constants and blocks by hand, errors."""

import keras
import numpy as np
import pytest
from keras import ops
from support.hostile import randomize
from support.training import step

import keras_finet
from keras_finet.layers import BranchScale

SCHEMES = ("shifted_relu", "mimic_norm", "normalizer_free")
WIDTHS, BLOCKS, CLASSES = (30, 60, 120), (4, 8, 4), 10
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 32, 32, 3)).astype("float32")


def finet(normalization, **arguments):
    small = {"input_shape": (32, 32, 3), "classes": CLASSES, "stem": "cifar"}
    return keras_finet.FinetSmall(normalization=normalization, **{**small, **arguments})


def convolutions(squeeze_excite):
    """Kind, weights and filters of every layer with a kernel in FinetSmall, from Table 1."""
    yield "first", 27 * 24, 24
    channels = 24
    for width, blocks in zip(WIDTHS, BLOCKS, strict=True):
        for _ in range(blocks):
            yield "pointwise", channels * width, width
            yield "depthwise", 9 * width, width
            yield "pointwise", width * width, width
            if squeeze_excite:
                yield "connected", channels * 200, 200
                yield "connected", 200 * width, width
            channels = width
    yield "pointwise", channels * 1024, 1024
    yield "connected", 1024 * 1024, 1024
    yield "classifier", 1024 * CLASSES, CLASSES


def expected_parameters(normalization, squeeze_excite):
    rows = list(convolutions(squeeze_excite))
    weights = sum(row[1] for row in rows)
    biases = sum(filters for _, _, filters in rows)
    if normalization == "shifted_relu":
        return weights + 2 * 3  # of the image's normalisation
    if normalization == "mimic_norm":
        return weights + biases - CLASSES + 16 + 1  # 16 branches and conv5 have a factor
    standardized = sum(
        filters for kind, _, filters in rows if kind in ("first", "pointwise", "depthwise")
    )
    return weights + biases + standardized + 13  # a gain for every block with a shortcut


@pytest.fixture(scope="module")
def networks():
    """A FinetSmall of each scheme; tests leave them as they are."""
    keras.utils.set_random_seed(0)
    return {each: finet(each) for each in ("fbn", *SCHEMES)}


@pytest.mark.parametrize("normalization", SCHEMES)
def test_parameters_by_an_independent_count(networks, normalization):
    report = keras_finet.complexity(networks[normalization])
    assert report.parameters == expected_parameters(normalization, squeeze_excite=True)
    assert not report.uncounted
    assert report.macs == keras_finet.complexity(networks["fbn"]).macs


def names_of(model, *suffixes):
    return [layer.name for layer in model.layers if layer.name.endswith(suffixes)]


def test_convolutions_have_the_same_names_whatever_the_scheme(networks):
    suffixes = ("pointwise1", "pointwise2", "depthwise", "squeeze", "excite", "conv5", "fc1")
    expected, *others = (sorted(names_of(networks[each], *suffixes)) for each in networks)
    assert len(expected) == 16 * 5 + 2
    assert others == 3 * [expected]


def test_mimic_norm_factors_fall_from_sum_to_sum(networks):
    def factors(model):
        scales = [each for each in model.layers if isinstance(each, BranchScale)]
        return [layer.initial for layer in scales]

    model = networks["mimic_norm"]
    sums = iter(range(1, 14))
    expected = [1.44 if b == 0 else 1.44 / next(sums) for n in BLOCKS for b in range(n)]
    assert factors(model) == pytest.approx([*expected, 1.2])
    for builder, m, blocks in ((keras_finet.ResNet18, 2, 8), (keras_finet.ResNet50, 3, 16)):
        model = builder(normalization="mimic_norm", stem="cifar", include_top=False)
        assert factors(model) == pytest.approx([1.2**m / i for i in range(1, 1 + blocks)])


def means(layer):
    return np.abs(ops.convert_to_numpy(layer.kernel).mean((0, 1, 2))).max()


def centred(model):
    """Names of the convolutions over all channels whose filters have a mean of zero."""
    return {
        each.name
        for each in model.layers
        if type(each) is keras.layers.Conv2D and means(each) < 1e-7
    }


def test_mimic_norm_centres_what_its_authors_centre(networks):
    model = networks["mimic_norm"]
    assert centred(model) == {*names_of(model, "pointwise1", "pointwise2"), "conv5"}
    # 147 weights a filter are more than 50.
    for stem, expected in (("imagenet", {"conv1"}), ("cifar", set())):
        model = keras_finet.ResNet18(normalization="mimic_norm", stem=stem, features=("stage2",))
        assert centred(model) & {"conv1"} == expected


def test_mimic_norm_stays_centred_in_training():
    model = finet("mimic_norm", features=("stage2",), squeeze_excite=False)
    before = centred(model)
    assert len(before) == 8
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    first = ops.convert_to_numpy(model.get_layer("stage2_block1_pointwise1").kernel)
    model.train_on_batch(IMAGES, {"stage2": np.ones((2, 16, 16, 30), "float32")})
    last = ops.convert_to_numpy(model.get_layer("stage2_block1_pointwise1").kernel)
    assert np.abs(last - first).max() > 1e-3
    assert centred(model) == before


def test_mimic_norm_starts_with_the_deviations_of_its_authors(networks):
    model = networks["mimic_norm"]

    def deviation(name):
        return np.std(ops.convert_to_numpy(model.get_layer(name).kernel))

    assert deviation("stage4_block4_depthwise") == pytest.approx(np.sqrt(2 / 36), rel=0.1)
    assert deviation("conv5") == pytest.approx(np.sqrt(2 / 120), rel=0.02)
    assert deviation("fc1") == pytest.approx(np.sqrt(2 / 1024), rel=0.02)
    bn = model.get_layer("logits_bn")
    assert (bn.center, bn.scale, bn.momentum, bn.epsilon) == (False, False, 0.9, 1e-5)


def test_normalizer_free_divides_by_the_expected_deviation():
    """v grows by 0.04 a sum, is 1 behind a block without one, and stands in the gains."""
    model = finet("normalizer_free", squeeze_excite=False)
    gains = {layer.name: layer.gain for layer in model.layers if hasattr(layer, "gain")}
    variance = 1.0
    for stage, blocks in enumerate(BLOCKS, start=2):
        for block in range(1, 1 + blocks):
            name = f"stage{stage}_block{block}"
            assert gains.pop(f"{name}_pointwise1") == pytest.approx(1.713 / np.sqrt(variance))
            assert gains.pop(f"{name}_depthwise") == 1.0
            variance = 1.0 if block == 1 else variance + 0.04
            assert gains.pop(f"{name}_pointwise2") == pytest.approx(1.713 if block == 1 else 0.2)
    assert gains.pop("conv5") == pytest.approx(1.713 / np.sqrt(1.12))
    assert gains == {"conv1": 1.713}


def test_normalizer_free_keeps_variances_from_layer_to_layer():
    keras.utils.set_random_seed(0)
    model = finet("normalizer_free", squeeze_excite=False)
    images = RNG.normal(size=(16, 32, 32, 3)).astype("float32")
    for name in ("conv1", "stage2_block1_relu", "stage3_block1_relu", "stage4_block4_relu"):
        outputs = keras.Model(model.input, model.get_layer(name).output)(images)
        # Of all samples and pixels, as if all channels were equal.
        variance = ops.convert_to_numpy(outputs).var((0, 1, 2)).mean()
        assert 0.5 < variance < 2.0, name
    scales = [layer.initial for layer in model.layers if layer.name.endswith("pointwise2_scale")]
    assert scales == 13 * [0.0]


def pieces(model, prefix):
    """Inputs and outputs of a block as float64, and its layers by what they are called in it."""
    outer = keras.Model(
        model.input, [model.get_layer(f"{prefix}_{n}").output for n in ("relu", "pointwise1")]
    )
    named = {
        layer.name.removeprefix(f"{prefix}_"): layer
        for layer in model.layers
        if layer.name.startswith(prefix)
    }
    block = keras.Model(model.input, [named["pointwise1"].input, outer.outputs[0]])
    return named, *(ops.convert_to_numpy(x).astype("float64") for x in block(IMAGES))


def kernel(layer, name="kernel"):
    return ops.convert_to_numpy(getattr(layer, name)).astype("float64")


def pointwise(x, weights, bias=0.0):
    return x @ weights[0, 0] + bias


def depthwise(x, weights, bias=0.0):
    """3x3, stride 1, "same"."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    return bias + sum(
        padded[:, i : i + height, j : j + width] * weights[i, j, :, 0]
        for i in range(3)
        for j in range(3)
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def standardized(weights, axes, epsilon=1e-5):
    centred = weights - weights.mean(axes, keepdims=True)
    size = np.prod([weights.shape[axis] for axis in axes])
    return centred / (weights.std(axes, keepdims=True) + epsilon) / np.sqrt(size)


def shifted_relu_block(layers, x):
    def signs(name, fan_in, square=1.0):
        return np.where(kernel(layers[name]) >= 0, 1, -1) / np.sqrt(fan_in * square)

    # Mean squares: E[max(z, -1)^2] of a normal z, and an eighth more behind the sum before it.
    behind = 1 - np.exp(-1 / 2) / np.sqrt(2 * np.pi)
    y = np.maximum(pointwise(x, signs("pointwise1", 30, behind + 1 / 8)), -1)
    y = pointwise(depthwise(y, signs("depthwise", 9, behind)), signs("pointwise2", 30))
    gate = np.maximum(pointwise(x.mean((1, 2), keepdims=True), signs("se_squeeze", 30)), -1)
    gate = sigmoid(pointwise(gate, signs("se_excite", 200, behind)))
    # Half of the branch, twice the gate.
    return np.maximum(y * gate + x, -1)


def mimic_norm_block(layers, x):
    def weights(name):
        return kernel(layers[name]), kernel(layers[name], "bias")

    y = relu(pointwise(x, *weights("pointwise1")))
    y = pointwise(depthwise(y, *weights("depthwise")), *weights("pointwise2"))
    gate = relu(pointwise(x.mean((1, 2), keepdims=True), *weights("se_squeeze")))
    gate = sigmoid(pointwise(gate, *weights("se_excite")))
    return relu(y * kernel(layers["pointwise2_scale"], "scale") * gate + x)


def normalizer_free_block(layers, x):
    def weights(name, axes, gain=1.0):
        layer = layers[name]
        unit = standardized(kernel(layer), axes)
        return gain * kernel(layer, "gamma") * unit, kernel(layer, "bias")

    # The third block: two sums before it, of which the first block of a stage is none.
    deviation = np.sqrt(1.04)
    y = relu(pointwise(x / deviation, *weights("pointwise1", (0, 1, 2), 1.713)))
    y = depthwise(y, *weights("depthwise", (0, 1)))
    y = pointwise(
        y, weights("pointwise2", (0, 1, 2), 0.2)[0] * 2, weights("pointwise2", (0, 1, 2))[1]
    )
    gate = x.mean((1, 2), keepdims=True)
    for name, activation in (("se_squeeze", relu), ("se_excite", sigmoid)):
        gate = activation(pointwise(gate, kernel(layers[name]), kernel(layers[name], "bias")))
    return relu(y * kernel(layers["pointwise2_scale"], "scale") * gate + x)


@pytest.mark.parametrize("normalization", SCHEMES)
def test_a_block_by_hand(normalization):
    model = finet(normalization, include_top=False)
    randomize(model)
    layers, inputs, outputs = pieces(model, "stage2_block3")
    expected = {
        "shifted_relu": shifted_relu_block,
        "mimic_norm": mimic_norm_block,
        "normalizer_free": normalizer_free_block,
    }[normalization](layers, inputs)
    assert np.abs(expected - inputs).max() > 0.01 * np.abs(inputs).max()
    assert np.abs(expected - outputs).max() < 1e-5 * np.abs(expected).max()


def test_shifted_relu_divides_its_scores():
    model = finet("shifted_relu", classifier_activation=None)
    logits = keras.Model(model.input, model.get_layer("logits").output)(IMAGES)
    expected = ops.convert_to_numpy(logits).reshape(2, CLASSES) / 2
    assert np.allclose(ops.convert_to_numpy(model(IMAGES)), expected, rtol=1e-6)
    assert not [weight for weight in model.weights if weight.name == "bias"]


@pytest.mark.parametrize("squeeze_excite", [True, False])
def test_shifted_relu_scores_start_in_softmax_s_range(squeeze_excite):
    """So does the paper's own network: a temperature of 40 leaves 0.2 to 0.4."""
    keras.utils.set_random_seed(0)
    model = finet("shifted_relu", squeeze_excite=squeeze_excite, classifier_activation=None)
    assert 0.05 < np.std(ops.convert_to_numpy(model(IMAGES))) < 1.5


@pytest.fixture(scope="module", params=SCHEMES)
def started(request):
    """What a new FinetSmall makes of eight images: its outputs by block, and its gradients."""
    keras.utils.set_random_seed(0)
    model = finet(request.param, squeeze_excite=False, classifier_activation=None)
    rng = np.random.default_rng(1)
    images = rng.normal(size=(8, 32, 32, 3)).astype("float32")
    names = [f"stage{n}_block{b}" for n in (2, 3, 4) for b in range(1, 1 + BLOCKS[n - 2])]
    blocks = keras.Model(model.input, [model.get_layer(f"{name}_relu").output for name in names])
    outputs = [ops.convert_to_numpy(each).reshape(8, -1) for each in blocks(images)]
    upstream = rng.normal(size=(8, CLASSES)).astype("float32")
    _, _, gradients = step(model, images, upstream)
    return dict(zip(names, outputs, strict=True)), gradients


def test_signals_keep_their_scale_from_block_to_block(started):
    outputs, _ = started
    for name, output in outputs.items():
        assert 0.1 < np.square(output).mean() < 4.0, name


def test_images_stay_apart_from_block_to_block(started):
    """Signals of another scale than the activation's make all images one, and none is learned."""
    outputs, _ = started
    for name, output in outputs.items():
        unit = output / np.linalg.norm(output, axis=1, keepdims=True)
        cosines = (unit @ unit.T)[~np.eye(8, dtype=bool)]
        assert cosines.mean() < 0.85, name


def test_gradients_keep_their_scale_from_the_first_block_to_the_last(started):
    """Of blocks without a shortcut: where there is one, a branch may start at zero."""
    _, gradients = started
    names = ("conv1", "stage2_block1_pointwise2", "stage4_block1_pointwise2")
    norms = [np.linalg.norm(gradients[f"{name}/kernel"]) for name in names]
    assert max(norms) < 5.0 * min(norms)


@pytest.mark.parametrize("normalization", SCHEMES)
def test_weights_of_a_classifier_load_into_its_backbone(networks, normalization, tmp_path):
    whole, path = networks[normalization], tmp_path / "whole.weights.h5"
    whole.save_weights(path)
    backbone = finet(normalization, include_top=False)
    keras_finet.load_weights(backbone, path)
    expected = keras.Model(whole.input, whole.get_layer("global_pool").input)(IMAGES)
    assert np.array_equal(ops.convert_to_numpy(backbone(IMAGES)), ops.convert_to_numpy(expected))


@pytest.mark.parametrize("builder", [keras_finet.FinetLarge, keras_finet.ResNet18])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"normalization": "bn"}, r"`normalization` to be one of \('fbn', 'shifted_relu'"),
        ({"normalization": "mimic_norm", "groups": 4}, 'groups=4 with normalization="mimic_norm"'),
        ({"normalization": "shifted_relu", "groups": 2}, "Expected `groups`.* Received: groups=2"),
        (
            {"normalization": "normalizer_free", "channels_per_group": 8},
            "Received: channels_per_group=8 with",
        ),
        (
            {"normalization": "normalizer_free", "affine": False, "epsilon": 1e-5},
            "Received: affine=False, epsilon=1e-05 with",
        ),
    ],
    ids=str,
)
def test_arguments_of_fbn_with_another_scheme_are_refused(builder, arguments, message):
    with pytest.raises(ValueError, match=message):
        builder(**arguments)


@pytest.mark.parametrize(("normalization", "groups"), [("mimic_norm", 1), ("fbn", 4)])
def test_default_groups(networks, normalization, groups):
    def layers(model):
        return [layer.get_config() for layer in model.layers[1:]]

    assert layers(finet(normalization, groups=groups)) == layers(networks[normalization])
