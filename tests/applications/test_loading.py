"""`load_weights`: all that a model needs, or a reason and an untouched model."""

import keras
import numpy as np
import pytest
from descriptors import FAMILIES
from keras import layers, ops
from support.hostile import randomize

import keras_finet

SUFFIXES = (".weights.h5", ".keras")
IMAGES = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")


def finet(**arguments):
    return keras_finet.FinetSmall(**{"input_shape": (32, 32, 3), "classes": 7, **arguments})


def small(classes=3, *, bias=False, extra=False, norm="norm", stride=1, head="logits"):
    """A network of two convolutions, or three, and a head."""
    x = inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, strides=stride, use_bias=bias, name="first")(x)
    if norm:
        x = layers.BatchNormalization(name=norm)(x)
    if extra:
        x = layers.Conv2D(4, 1, name="extra")(x)
    x = layers.Conv2D(4, 3, name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(classes, name=head)(x)
    return keras.Model(inputs, layers.Softmax()(x), name="small")


def save(model, path):
    (model.save if path.suffix == ".keras" else model.save_weights)(path)
    return path


@pytest.fixture(scope="module")
def trained():
    model = finet()
    randomize(model)
    return model


@pytest.fixture(scope="module", params=SUFFIXES)
def path(request, trained, tmp_path_factory):
    return save(trained, tmp_path_factory.mktemp("weights") / f"trained{request.param}")


def assert_refused(model, path, message, **arguments):
    """One ValueError of a few lines, and not one weight changed."""
    before = model.get_weights()
    with pytest.raises(ValueError, match=message) as caught:
        keras_finet.load_weights(model, path, **arguments)
    assert len(str(caught.value)) < 800
    assert str(path) in str(caught.value)
    assert all(map(np.array_equal, model.get_weights(), before))


def assert_same(model, other):
    expected, got = (ops.convert_to_numpy(each(IMAGES)) for each in (other, model))
    np.testing.assert_array_equal(got, expected)


def test_a_whole_file_into_the_same_model(trained, path):
    model = finet()
    report = keras_finet.load_weights(model, str(path))
    assert all(map(np.array_equal, model.get_weights(), trained.get_weights()))
    assert len(report.loaded) == sum(bool(layer.weights) for layer in model.layers)
    assert report.skipped == {}
    assert "skipped none" in str(report)
    assert_same(finet(weights=path), trained)


def test_a_file_with_the_top_into_a_model_without(trained, path):
    backbone = keras.Model(trained.input, trained.get_layer("conv5_relu").output)
    assert_same(finet(include_top=False, weights=path), backbone)
    maps = finet(features=("stage4", "stage2"), weights=path, input_shape=None)(IMAGES)
    for name, depth in (("stage2", 4), ("stage4", 4)):
        layer = trained.get_layer(f"{name}_block{depth}_relu")
        expected = keras.Model(trained.input, layer.output)(IMAGES)
        np.testing.assert_allclose(
            ops.convert_to_numpy(maps[name]), ops.convert_to_numpy(expected), rtol=1e-5, atol=1e-5
        )


def has_weights(model, name):
    return any(layer.name == name and layer.weights for layer in model.layers)


@pytest.mark.parametrize("each", FAMILIES, ids=str)
def test_another_number_of_classes(each, tmp_path):
    whole = each.build(input_shape=(32, 32, 3), classes=4)
    randomize(whole)
    path = save(whole, tmp_path / "whole.weights.h5")
    model = each.build(input_shape=(32, 32, 3), classes=6)
    # Where scores are divided or normalised, the layer called "predictions" has no weights.
    names = [name for name in ("predictions", "logits", "logits_bn") if has_weights(model, name)]
    head = [array for name in names for array in model.get_layer(name).get_weights()]
    shape = r"\((\d+, )+4\) instead of \((\d+, )+6\)"
    assert_refused(model, path, rf"{names[0]} with {shape}.*`skip_head=True`")
    report = keras_finet.load_weights(model, path, skip_head=True)
    assert list(report.skipped) == names
    assert names[0] in str(report)
    assert "the head" in str(report)
    got = [array for name in names for array in model.get_layer(name).get_weights()]
    assert all(map(np.array_equal, got, head))
    expected, got = (
        {w.path: w for w in m.weights if w.path.split("/")[0] not in names} for m in (whole, model)
    )
    assert expected.keys() == got.keys()
    assert all(np.array_equal(expected[path], got[path]) for path in expected)


def test_trained_and_fused_do_not_mix(trained, path, tmp_path):
    fused = keras_finet.fuse(trained)
    assert_refused(fused, path, "as trained, with its normalisations, for a fused model.*`keras_f")
    fused_path = save(fused, tmp_path / path.name)
    assert_refused(finet(), fused_path, r"of a fused model, .* `keras_finet.fuse\(model\)`")
    with pytest.raises(ValueError, match="of a fused model"):
        finet(weights=fused_path, include_top=False)
    again = keras_finet.fuse(finet())
    keras_finet.load_weights(again, fused_path)
    assert_same(again, fused)


def test_trained_and_fused_stock_layers_do_not_mix(tmp_path):
    """Where folding leaves no trace but a bias."""
    model = small()
    fused = keras_finet.fuse(model)
    assert_refused(fused, save(model, tmp_path / "model.weights.h5"), "for a fused model")
    assert_refused(model, save(fused, tmp_path / "fused.weights.h5"), "of a fused model")


@pytest.mark.parametrize("path", SUFFIXES[:1], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 9}, r"predictions with \(1024, 7\) instead of \(1024, 9\)"),
        ({"groups": 2}, r"stage2_block1_pointwise1 with \(4, 30\) instead of \(2, 30\).*29 more"),
        ({"affine": False}, "with 5 arrays instead of 3.*Build the model with the arguments"),
        ({"squeeze_excite": False}, "further layers in between: stage2_block1_se_squeeze"),
        ({"input_shape": (32, 32, 1)}, r"conv1 with \(3, 3, 3, 24\) instead of \(3, 3, 1, 24\)"),
    ],
    ids=str,
)
def test_another_variant_is_refused(path, arguments, message):
    assert_refused(finet(**arguments), path, message)
    with pytest.raises(ValueError, match=message):
        finet(weights=path, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stem": "cifar"}, r"conv1 with strides=\[2, 2\] instead of \[1, 1\]"),
        ({"epsilon": 1e-5}, r"conv1_bn with epsilon=0.001 instead of 1e-05"),
    ],
    ids=str,
)
def test_a_keras_file_tells_what_its_shapes_do_not(trained, tmp_path, arguments, message):
    assert_refused(finet(**arguments), save(trained, tmp_path / "trained.keras"), message)


def test_weights_trained_with_another_gain_are_refused(tmp_path):
    def model(gain):
        image = keras.Input((8, 8, 2))
        return keras.Model(
            image, keras_finet.layers.SignConv2D(4, 3, gain=gain, name="first")(image)
        )

    path = save(model(0.5), tmp_path / "model.keras")
    assert_refused(model(1.0), path, "first with gain=0.5 instead of 1.0")


@pytest.mark.parametrize("path", SUFFIXES[:1], indirect=True)
def test_a_backbone_without_the_layers_in_between_is_refused(path):
    with pytest.raises(ValueError, match="further layers in between"):
        finet(include_top=False, squeeze_excite=False, weights=path)


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (small(extra=True), "further layers in between: extra"),
        (small(norm=None), "without weights for norm. Build"),
        (small(norm="other"), "without weights for norm"),
        (small(stride=2), r"first with strides=\[2, 2\] instead of \[1, 1\]"),
        (finet(), "none of the model's 4 layers; it has .* more. Give the file of such a model"),
    ],
)
def test_a_file_of_another_network_is_refused(saved, message, tmp_path):
    assert_refused(small(), save(saved, tmp_path / "model.keras"), message)
    if "first" not in message:
        assert_refused(small(), save(saved, tmp_path / "model.weights.h5"), message)


def test_a_head_of_another_name(tmp_path):
    path = save(small(5, head="classes"), tmp_path / "model.keras")
    assert_refused(small(), path, "without weights for logits")
    report = keras_finet.load_weights(small(), path, skip_head=True)
    assert report.loaded == ("first", "norm", "last")
    assert report.skipped.keys() == {"logits", "classes"}


def test_nothing_to_load_beside_the_head_is_refused(tmp_path):
    path = save(finet(), tmp_path / "finet.keras")
    assert_refused(small(head="predictions"), path, "none of the model's 3", skip_head=True)


@pytest.mark.parametrize("path", SUFFIXES[:1], indirect=True)
def test_a_head_that_is_not_there_cannot_be_skipped(path, tmp_path):
    """A fused backbone ends in a convolution and a pool, which is no head."""
    model = finet(include_top=False, pooling="avg")
    fused = keras_finet.fuse(model)
    for each, file in ((model, path), (fused, save(fused, tmp_path / "fused.weights.h5"))):
        with pytest.raises(ValueError, match="no head that could be skipped"):
            keras_finet.load_weights(each, file, skip_head=True)
        assert "conv5" in keras_finet.load_weights(each, file).loaded


def test_a_head_before_the_global_pool(tmp_path):
    def build(classes):
        scores = layers.Conv2D(classes, 1, name="scores")
        body = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="body"), layers.ReLU(), scores]
        return keras.Sequential([*body, layers.GlobalAveragePooling2D(), layers.Softmax()])

    path = save(build(5), tmp_path / "model.keras")
    assert_refused(build(3), path, "`skip_head=True`")
    report = keras_finet.load_weights(build(3), path, skip_head=True)
    assert list(report.skipped) == ["scores"]


def test_a_file_without_the_top_into_a_model_with_it(tmp_path):
    backbone = finet(include_top=False)
    path = save(backbone, tmp_path / "backbone.weights.h5")
    assert_refused(finet(), path, "without weights for fc1, fc1_bn, predictions.*`skip_head=True`")
    report = keras_finet.load_weights(finet(), path, skip_head=True)
    assert list(report.skipped) == ["fc1", "fc1_bn", "predictions"]
    part = save(finet(features=("stage2",)), tmp_path / "part.weights.h5")
    assert_refused(finet(), part, "without weights for stage3", skip_head=True)


def biased(*, norm=True, middle=None, **arguments):
    """Convolutions with a bias: folding leaves no trace but the normalisations' absence."""
    x = inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, name="c")(x)
    if norm:
        x = layers.BatchNormalization(name="b", **arguments)(x)
    if middle:
        x = middle(x)
    x = layers.Conv2D(6, 1, name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3, name="d")(x), name="biased")
    randomize(model)
    return model


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_trained_and_fused_models_with_biases_do_not_mix(tmp_path, suffix):
    model = biased()
    fused = keras_finet.fuse(model)
    assert_refused(fused, save(model, tmp_path / f"model{suffix}"), "as trained.*for a fused model")
    assert_refused(model, save(fused, tmp_path / f"fused{suffix}"), "of a fused model")


def test_one_normalisation_folded_and_one_kept(tmp_path):
    """In a `.weights.h5` file the folded one looks as if it came behind all."""
    x = inputs = keras.Input((8, 8, 4))
    for name in ("1", "2"):
        x = layers.BatchNormalization(name=f"b{name}")(x)
        x = layers.Conv2D(4, 1, name=f"c{name}", activation="relu" if name == "2" else None)(x)
    model = keras.Model(inputs, x)
    fused = keras_finet.fuse(model)
    path = save(model, tmp_path / "model.weights.h5")
    assert_refused(fused, path, "further layers, b2, of which a `.weights.h5`")
    assert_refused(fused, save(model, tmp_path / "model.keras"), "for a fused model")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_layer_of_another_class_in_between_is_refused(tmp_path, suffix):
    path = save(biased(middle=layers.PReLU(name="prelu")), tmp_path / f"model{suffix}")
    message = {".keras": "in between: prelu", ".weights.h5": "further layers, prelu, of which"}
    assert_refused(biased(), path, message[suffix])


def test_another_offset_or_activation_is_refused(tmp_path):
    path = save(biased(scale=False), tmp_path / "model.keras")
    assert_refused(biased(center=False), path, "b with scale=False instead of True")
    inputs = keras.Input((8, 8, 2))
    models = []
    for activation in ("relu", "tanh"):
        x = layers.Conv2D(4, 3, activation=activation, name="c")(inputs)
        models.append(keras.Model(inputs, layers.Conv2D(4, 3, name="d")(x)))
    path = save(models[0], tmp_path / "relu.keras")
    assert_refused(models[1], path, "c with activation=relu instead of tanh")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_class_of_the_same_shapes_is_refused(tmp_path, suffix):
    def build(layer):
        return keras.Sequential([keras.Input((8, 8, 4)), layer(4, 3, name="c")])

    path = save(build(layers.Conv2DTranspose), tmp_path / f"model{suffix}")
    assert_refused(build(layers.Conv2D), path, "c with conv2d_transpose instead of Conv2D")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("head", [True, False])
def test_before_and_after_fine_grain_do_not_mix(tmp_path, suffix, head):
    model = biased()
    if not head:
        model = keras.Model(model.input, model.get_layer("b").output)
    fine = keras_finet.fine_grain(model, groups=2)
    assert_refused(fine, save(model, tmp_path / f"model{suffix}"), "before `keras_finet.fine_grain")
    assert_refused(model, save(fine, tmp_path / f"fine{suffix}"), "`keras_finet.fine_grain` makes")


def test_fused_without_folding_has_advice_of_its_own(trained, path, tmp_path):
    replaced = keras_finet.fuse(trained, fold_batch_norm=False)
    assert_refused(replaced, path, r"as trained, for the model .*fold_batch_norm=False\)")
    file = save(replaced, tmp_path / path.name)
    assert_refused(
        trained, file, r"Load it into `keras_finet.fuse\(model, fold_batch_norm=False\)`"
    )
    fused = keras_finet.fuse(trained)
    assert_refused(fused, file, "for a fused model")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    model = small()
    model.get_layer("last").bias.assign(np.full(4, value))
    path = save(model, tmp_path / "model.weights.h5")
    assert_refused(small(), path, "weights of 'last' are infinite or not a number")


@pytest.mark.parametrize("path", SUFFIXES[:1], indirect=True)
def test_layers_before_the_image_are_left_alone(trained, path):
    """`input_tensor` may come from layers with weights: those are not the network's."""
    source = keras.Input((32, 32, 4))
    image = layers.Conv2D(3, 1, name="adapter")(source)
    model = finet(input_tensor=image, weights=path, input_shape=None)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(model.get_layer("conv1").kernel), trained.get_layer("conv1").kernel
    )
    assert np.any(ops.convert_to_numpy(model.get_layer("adapter").kernel))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_models_inside_models(tmp_path, suffix):
    """Nested, shared, wrapped: found by the names on the way."""

    def build():
        shared = layers.Conv2D(3, 1, name="shared")
        conv = layers.Conv2D(3, 3, padding="same", name="conv")
        block = keras.Sequential([keras.Input((8, 8, 3)), conv, shared], name="block")
        wrapped = layers.TimeDistributed(layers.Dense(2, name="dense"), name="rows")
        inputs = keras.Input((8, 8, 3))
        x = layers.Conv2D(3, 1, name="conv")(shared(block(block(inputs))))
        x = layers.Flatten()(wrapped(x))
        head = keras.Sequential([keras.Input((128,)), layers.Dense(4, name="dense")], name="head")
        return keras.Model(inputs, head(x), name="outer")

    saved, model = build(), build()
    randomize(saved)
    path = save(saved, tmp_path / f"model{suffix}")
    report = keras_finet.load_weights(model, path)
    assert report.loaded == ("block/conv", "block/shared", "conv", "rows/layer", "head/dense")
    assert all(map(np.array_equal, model.get_weights(), saved.get_weights()))
    assert list(keras_finet.load_weights(model, path, skip_head=True).skipped) == ["head/dense"]


def test_a_fine_grained_stock_model_and_a_compiled_one(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.fit(np.ones((2, 8, 8, 2)), np.ones((2, 3)), verbose=0)
    path = save(model, tmp_path / "compiled.weights.h5")
    loaded = small()
    report = keras_finet.load_weights(loaded, path)
    assert report.skipped == {}
    assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))


def test_low_precision_weights(tmp_path):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        model, loaded = small(), small()
    finally:
        keras.config.set_dtype_policy(previous)
    randomize(model)
    keras_finet.load_weights(loaded, save(model, tmp_path / "model.weights.h5"))
    for weight, expected in zip(loaded.weights, model.weights, strict=True):
        assert ops.all(weight.value == expected.value)


def test_a_layer_that_keeps_weights_elsewhere_is_refused(tmp_path):
    inputs = keras.Input((4, 8))
    outputs = layers.MultiHeadAttention(2, 4, name="attention")(inputs, inputs)
    model = keras.Model(inputs, outputs)
    path = save(model, tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match=r"'attention'.*Use `model.load_weights`"):
        keras_finet.load_weights(model, path)


def test_what_is_no_model_or_no_path(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        keras_finet.load_weights(small(), "missing.weights.h5")
    with pytest.raises(ValueError, match=r"Expected the path of a weights file\. Received: 5"):
        keras_finet.load_weights(small(), 5)
    with pytest.raises(ValueError, match=r"of type int"):
        keras_finet.load_weights(small(), 5)
    with pytest.raises(ValueError, match="is a folder"):
        keras_finet.load_weights(small(), tmp_path)
    path = save(small(), tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match="Expected a model with weights to load"):
        keras_finet.load_weights(keras.Sequential([keras.Input((3,)), layers.ReLU()]), path)
    with pytest.raises(ValueError, match="Expected a Sequential model that knows its input shape"):
        keras_finet.load_weights(keras.Sequential([layers.Dense(2)]), path)
