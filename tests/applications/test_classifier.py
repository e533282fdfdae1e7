"""What all builders share, tried on FinetSmall."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_finet


def build(**arguments):
    return keras_finet.FinetSmall(**{"input_shape": (32, 32, 3), "classes": 7, **arguments})


def test_default_shapes():
    assert keras_finet.FinetSmall().input_shape == (None, 224, 224, 3)
    assert keras_finet.FinetSmall(include_top=False).input_shape == (None, None, None, 3)


@pytest.mark.parametrize(
    ("pooling", "shape"),
    [(None, (None, 4, 4, 1024)), ("avg", (None, 1024)), ("max", (None, 1024))],
)
def test_backbone(pooling, shape):
    model = build(include_top=False, pooling=pooling, input_shape=(123, 128, 1))
    assert model.output_shape == shape


def test_head_activation_and_name():
    assert build(name="mine").name == "mine"
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3))
    probabilities = ops.convert_to_numpy(build()(images))
    assert np.allclose(probabilities.sum(axis=-1), 1.0, atol=1e-5)
    assert build(classifier_activation=None).layers[-1].activation is keras.activations.linear


def test_input_tensor_may_be_derived():
    source = keras.Input((64, 64, 3), name="camera")
    model = build(input_tensor=keras.layers.Rescaling(1 / 255)(source), input_shape=None)
    assert model.input.name == "camera"
    assert model.output_shape == (None, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"weights": "imagenet"},
            r"No ImageNet checkpoint of FinetSmall\(.* section 5.1",
        ),
        (
            {"weights": "missing.weights.h5"},
            "`weights` argument should be either .* there is no file",
        ),
        ({"input_shape": (31, 32, 3)}, "Input size must be at least 32x32; Received"),
        ({"input_shape": (32, 32)}, "must be a tuple of three integers"),
        ({"input_shape": (None, None, 3)}, "you should specify a static `input_shape`"),
        ({"weights": 5}, "`weights` argument should be either"),
        ({"input_shape": 32}, "must be a tuple of three integers"),
        ({"input_shape": (32, 32, None)}, "must be a tuple of three integers"),
        ({"input_tensor": keras.Input((64, 64, 3))}, "that of `input_tensor`, or to be left out"),
        ({"classes": 0}, "`classes` to be a positive integer"),
        ({"include_top": False, "pooling": "mean"}, '`pooling` to be None, "avg" or "max"'),
        ({"input_tensor": np.zeros((1, 32, 32, 3))}, "output of `keras.Input`"),
    ],
    ids=str,
)
def test_bad_arguments_say_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_weights_come_back_from_a_file(tmp_path, suffix):
    model = build()
    path = tmp_path / f"trained{suffix}"
    (model.save_weights if suffix == ".weights.h5" else model.save)(path)
    loaded = build(weights=path)
    assert all(map(np.array_equal, model.get_weights(), loaded.get_weights()))
    assert all(map(np.array_equal, model.get_weights(), build(weights=str(path)).get_weights()))


def test_weights_that_do_not_fit_are_one_clear_error(tmp_path):
    path = tmp_path / "trained.weights.h5"
    build(classes=5).save_weights(path)
    with pytest.raises(ValueError, match=r"with outputs of shape \(None, 7\)"):
        build(weights=path)
    truncated = tmp_path / "truncated.weights.h5"
    truncated.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"truncated.* to hold the weights of 'finet_small'"):
        build(weights=truncated)
    no_archive = tmp_path / "text.keras"
    no_archive.write_text("not a model")
    with pytest.raises(ValueError, match=r"text.keras' to hold the weights"):
        build(weights=no_archive)
    other = tmp_path / "weights.npz"
    other.write_bytes(b"")
    with pytest.raises(ValueError, match=r"ends in `\.weights\.h5` or `\.keras`"):
        build(weights=other)


def test_preprocess_input_is_the_papers_normalization():
    images = np.random.default_rng(0).uniform(0, 255, size=(2, 4, 4, 3)).astype("float32")
    expected = (images / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert np.allclose(keras_finet.preprocess_input(images.copy()), expected, atol=1e-5)


def test_decode_predictions_refuses_other_shapes():
    with pytest.raises(ValueError, match="1000"):
        keras_finet.decode_predictions(np.zeros((2, 10)))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy(previous)
    assert model.output.dtype == policy.removeprefix("mixed_")
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_channels_first_builds():
    previous = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        model = keras_finet.FinetSmall()
        assert model.input_shape == (None, 3, 224, 224)
        assert model.get_layer("conv5").output.shape == (None, 1024, 7, 7)
        assert keras_finet.complexity(model).paper_macs == 43_058_848
    finally:
        keras.config.set_image_data_format(previous)
