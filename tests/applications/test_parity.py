"""Every builder against `keras.applications` of the Keras that is installed."""

import inspect
import re
from functools import partial

import keras
import numpy as np
import pytest
from descriptors import BUILDERS, FAMILIES
from keras import ops

import keras_finet

# What is expected of each builder, by the arguments: made once for all of them.
IN_KERAS = {}
EfficientNet = keras.applications.EfficientNetV2B0
MobileNet = partial(keras.applications.MobileNetV2, alpha=0.35)


def outcome(build, **arguments):
    """What a user sees: the shapes of the model, or the first words of the error."""
    try:
        model = build(**{"weights": None, **arguments})
    except ValueError as error:
        return str(error)[:24]
    shape = model.output_shape
    return model.input_shape, len(shape), shape[1:-1], type(model), model.layers[-1].name


def outcome_in_keras(build, **arguments):
    key = build, repr(arguments)
    if key not in IN_KERAS:
        IN_KERAS[key] = outcome(build, **arguments)
    return IN_KERAS[key]


def derived(*shape):
    """A tensor that is not an input itself."""
    return keras.layers.Conv2D(3, 2, strides=2, name="adapter")(keras.Input(shape, name="camera"))


@pytest.mark.parametrize("each", BUILDERS, ids=str)
def test_signature(each):
    """All shared arguments in EfficientNet's order, by position or name, with their defaults."""
    theirs = dict(inspect.signature(EfficientNet).parameters)
    # Ours expects images from `preprocess_input`, as MobileNet does.
    del theirs["include_preprocessing"]
    ours = inspect.signature(each.build).parameters
    shared = [name for name, each in ours.items() if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert shared == list(theirs)
    assert {each.kind for name, each in ours.items() if name not in shared} == {
        inspect.Parameter.KEYWORD_ONLY
    }
    for name in set(shared) - {"name", "weights"}:
        assert ours[name].default == theirs[name].default
    assert ours["weights"].default is None
    mobile = inspect.signature(keras.applications.MobileNetV2).parameters
    assert mobile.keys() - ours.keys() <= {"alpha"}
    assert ours["features"].default is None
    assert each.build().name == ours["name"].default


def test_names_differ():
    names = [inspect.signature(each.build).parameters["name"].default for each in BUILDERS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("each", FAMILIES, ids=str)
@pytest.mark.parametrize(
    "arguments",
    [
        {"input_shape": (31, 32, 3)},
        {"input_shape": (32, -1, 3)},
        {"input_shape": (32, 32)},
        {"input_shape": (None, 32, 3)},
        {"input_shape": (None, None, 3)},
        {"weights": "missing.weights.h5"},
        {"weights": "imagenette"},
    ],
    ids=str,
)
def test_the_same_error_as_keras(each, arguments):
    expected = outcome_in_keras(EfficientNet, **arguments)
    assert isinstance(expected, str)
    assert outcome_in_keras(MobileNet, **arguments) == expected
    assert outcome(each.build, **arguments) == expected


@pytest.mark.parametrize("each", FAMILIES, ids=str)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"input_shape": [64, 96, 3], "classes": 2},
        {"input_shape": (48, 48, 1), "pooling": "avg"},
        {"include_top": False},
        {"include_top": False, "pooling": "max"},
        {"include_top": False, "pooling": "avg", "input_shape": (123, 123, 3), "classes": 3},
        {"include_top": False, "input_shape": (None, None, 1)},
    ],
    ids=str,
)
def test_the_same_model_as_keras(each, arguments):
    expected = outcome_in_keras(MobileNet, **arguments)
    assert not isinstance(expected, str)
    got = outcome(each.build, **arguments)
    if arguments.get("include_top", True):
        assert got == expected
        assert expected[-1] == "predictions"
    elif "pooling" in arguments:
        assert got[:-1] == expected[:-1]
    else:
        assert got[:2] == expected[:2]


@pytest.mark.parametrize("top", [True, False])
def test_an_input_tensor_does_what_it_does_in_keras(top):
    """A tensor of unknown size is taken with the top too; layers before it become the model's."""
    for shape in ((200, 200, 4), (None, None, 4)):
        expected = MobileNet(weights=None, include_top=top, input_tensor=derived(*shape))
        model = keras_finet.FinetSmall(top, input_tensor=derived(*shape))
        assert model.input_shape == expected.input_shape == (None, *shape)
        assert model.inputs[0].name == expected.inputs[0].name == "camera"
        assert model.get_layer("adapter") in model.layers
        assert len(model.output_shape) == len(expected.output_shape)


def test_an_input_itself_as_tensor():
    source = keras.Input((64, 64, 3))
    model = keras_finet.FinetSmall(input_tensor=source, input_shape=(64, 64, 3), classes=3)
    assert model.input is source
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize("build", [MobileNet, *(each.build for each in FAMILIES)])
def test_unusual_channels_warn_as_in_keras(build):
    with pytest.warns(UserWarning, match="1 or 3 input channels.* with 4 input"):
        model = build(weights=None, include_top=False, input_shape=(None, None, 4))
    assert model.input_shape == (None, None, None, 4)


@pytest.mark.parametrize("activation", [keras.activations.linear, "sigmoid"])
def test_head_activation_with_weights(activation, tmp_path):
    """With weights Keras takes softmax and logits only."""
    path = tmp_path / "trained.weights.h5"
    for build in (MobileNet, keras_finet.FinetSmall):
        small = {"input_shape": (32, 32, 3), "classes": 3, "classifier_activation": activation}
        model = build(weights=None, **small)
        assert model.layers[-1].activation is keras.activations.get(activation)
        model.save_weights(path)
        if activation == "sigmoid":
            with pytest.raises(ValueError, match=r"^Only `None` and `softmax` activations are"):
                build(weights=path, **small)
            build(weights=path, include_top=False, classifier_activation=activation)
        else:
            build(weights=path, **small)


def test_probabilities_and_logits():
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3))
    probabilities = keras_finet.FinetSmall(input_shape=(32, 32, 3), classes=np.int64(7))(images)
    assert np.allclose(ops.convert_to_numpy(probabilities).sum(axis=-1), 1.0, atol=1e-5)


def test_serialization():
    for build in (MobileNet, keras_finet.FinetSmall):
        model = build(weights=None, input_shape=(32, 32, 3))
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
        assert [weight.path for weight in copy.weights] == [weight.path for weight in model.weights]
        assert copy.get_config() == model.get_config()


@pytest.mark.parametrize("data_format", [None, "channels_last", "channels_first"])
@pytest.mark.parametrize("rank", [3, 4])
def test_preprocess_input_is_keras_torch_mode(data_format, rank):
    """DenseNet's images are those of the paper's recipe: PyTorch's."""
    shape = (3, 4, 3) if rank == 3 else (2, 3, 4, 3)
    images = np.random.default_rng(0).uniform(0, 255, size=shape).astype("float32")
    reference = keras.applications.densenet.preprocess_input
    expected = reference(images.copy(), data_format=data_format)
    changed = images.copy()
    assert keras_finet.preprocess_input(changed, data_format) is changed
    np.testing.assert_array_equal(changed, expected)
    tensor = keras_finet.preprocess_input(ops.convert_to_tensor(images), data_format)
    np.testing.assert_allclose(ops.convert_to_numpy(tensor), expected, atol=1e-6)
    integers = images.astype("uint8")
    assert keras_finet.preprocess_input(integers).dtype == "float32"
    with pytest.raises(ValueError, match="data_format"):
        keras_finet.preprocess_input(images, data_format="channels")


def test_preprocess_input_is_the_papers_normalization():
    images = np.random.default_rng(0).uniform(0, 255, size=(2, 4, 4, 3)).astype("float32")
    expected = (images / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert np.allclose(keras_finet.preprocess_input(images.copy()), expected, atol=1e-5)


def test_decode_predictions(monkeypatch):
    """The names of the classes come from a file that Keras downloads: stood in for here."""
    names = {str(index): [f"n{index:08}", f"class {index}"] for index in range(1000)}
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", names)
    scores = np.zeros((2, 1000))
    scores[0, [3, 999]] = 0.25, 0.75
    scores[1, 7] = 1.0
    expected = keras.applications.mobilenet_v2.decode_predictions(scores, top=2)
    decoded = keras_finet.decode_predictions(scores, top=2)
    assert decoded == expected
    assert decoded[0] == [("n00000999", "class 999", 0.75), ("n00000003", "class 3", 0.25)]
    assert len(keras_finet.decode_predictions(scores)[1]) == 5
    for shape in ((2, 10), (1000,)):
        with pytest.raises(ValueError, match=re.escape("(samples, 1000)")):
            keras_finet.decode_predictions(np.zeros(shape))
