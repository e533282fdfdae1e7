import keras
import numpy as np
import pytest
from support.converted import content_of

from tflite_tools.deploy import deployed_graph, reference_outputs, sample_shape, static_model
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import op_histogram

layers = keras.layers


def deployable(model, batch_size):
    return static_model(deployed_graph(model), batch_size)


def test_shape_of_functional_and_sequential_models(model):
    assert sample_shape(model) == (16, 16, 3)
    assert sample_shape(keras.Sequential([keras.Input((4,)), layers.Dense(2)])) == (4,)


def two_inputs():
    one, other = keras.Input((4,), name="one"), keras.Input((4,), name="other")
    return keras.Model([one, other], layers.Add()([one, other]), name="two")


def two_outputs():
    vector = keras.Input((4,))
    return keras.Model(vector, [layers.Dense(2)(vector), layers.Dense(3)(vector)], name="two")


def unknown_size():
    image = keras.Input((None, None, 3))
    return keras.Model(image, layers.Conv2D(2, 3)(image), name="free")


def integer_input():
    image = keras.Input((4,), dtype="uint8")
    return keras.Model(image, layers.Rescaling(1 / 255)(image), name="bytes")


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (two_inputs, r"two: expected one input and one output, got 2 inputs \(one, other\)"),
        (two_outputs, "two: expected one input and one output, got 2 outputs"),
        (unknown_size, r"free: expected an input of fixed size, got \(None, None, 3\)"),
        (integer_input, "bytes: expected a floating-point input, got uint8"),
        (Subclassed, "Expected a functional or Sequential Keras model"),
        (lambda: keras.Sequential([layers.Dense(2)]), "Expected a Sequential model that knows"),
    ],
)
def test_models_that_the_tools_cannot_feed(build, message):
    with pytest.raises(ToolError, match=message):
        sample_shape(build())


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_deployable_model_is_fused_and_static(model, samples, expected, batch_size):
    deployed = deployable(model, batch_size)
    assert deployed.inputs[0].shape == (batch_size, 16, 16, 3)
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in deployed.layers)
    outputs = np.asarray(deployed(samples[:batch_size], training=False))
    np.testing.assert_allclose(outputs, expected[:batch_size], atol=1e-6)


def test_a_static_batch_of_another_size_is_replaced():
    vector = keras.Input((4,), batch_size=8)
    static = keras.Model(vector, layers.Dense(2)(vector))
    assert deployable(static, 2).inputs[0].shape == (2, 4)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_static_batch_that_the_layers_insist_on_is_named(batch_size):
    vector = keras.Input((4,), batch_size=8)
    rows = keras.ops.reshape(vector, (8, -1))
    static = keras.Model(vector, layers.Dense(2)(rows), name="eight")
    with pytest.raises(ToolError, match=r"eight: .*batches of 8.*Convert it with batch_size=8"):
        deployable(static, batch_size)
    assert deployable(static, 8).outputs[0].shape == (8, 2)


def test_an_output_that_does_not_follow_the_batch_is_refused():
    vector = keras.Input((4,))
    summed = keras.Model(vector, keras.ops.sum(vector, axis=0, keepdims=True), name="summed")
    with pytest.raises(ToolError, match=r"summed: expected one output row .* got shape \(1, 4\)"):
        deployable(summed, 3)
    with pytest.raises(ToolError, match=r"summed: expected one output row .* got shape \(1, 4\)"):
        reference_outputs(summed, np.ones((3, 4), "float32"))


@pytest.mark.parametrize("nest", [lambda y: {"probs": y}, lambda y: [y]], ids=["dict", "list"])
def test_one_output_in_a_structure(nest):
    vector = keras.Input((4,), name="probs")
    output = layers.Dense(2)(vector)
    plain = keras.Model(vector, output)
    samples = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    expected = np.asarray(plain(samples))
    for model in (keras.Model(vector, nest(output)), keras.Model(nest(vector), nest(output))):
        np.testing.assert_allclose(reference_outputs(model, samples), expected, atol=1e-6)
        deployed = deployable(model, 1)
        np.testing.assert_allclose(np.asarray(deployed(samples[:1])), expected[:1], atol=1e-6)


def test_the_reference_runs_in_the_batches_that_the_model_insists_on():
    vector = keras.Input((4,), batch_size=8)
    rows = keras.ops.reshape(vector, (8, -1))
    static = keras.Model(vector, layers.Dense(2)(rows))
    samples = np.random.default_rng(0).normal(size=(19, 4)).astype("float32")
    kernel = np.asarray(static.layers[-1].kernel)
    np.testing.assert_allclose(reference_outputs(static, samples), samples @ kernel, atol=1e-6)


class Doubled(keras.Model):
    """A functional model that answers something else than its graph of layers."""

    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training=training, mask=mask)


def test_the_reference_is_what_the_users_own_model_answers():
    vector = keras.Input((4,))
    doubled = Doubled(vector, layers.Dense(2)(vector))
    samples = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    expected = 2 * samples @ np.asarray(doubled.layers[-1].kernel)
    np.testing.assert_allclose(reference_outputs(doubled, samples), expected, atol=1e-6)


class Failing(layers.Layer):
    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs):
        raise RuntimeError("no such table\nsecond line")


def test_a_model_that_fails_is_told_apart_from_a_file_that_does(samples):
    image = keras.Input((16, 16, 3))
    failing = keras.Model(image, Failing()(image), name="failing")
    with pytest.raises(ToolError, match=r"failing: the Keras model itself fails.*no such table"):
        reference_outputs(failing, samples)


def test_mixed_precision_is_rebuilt_and_compared_in_float32(small_classifier, samples):
    half = small_classifier(dtype="mixed_float16")
    full = small_classifier()
    full.set_weights([np.asarray(weight) for weight in half.get_weights()])
    deployed = deployable(half, 1)
    assert {layer.compute_dtype for layer in deployed.layers} == {"float32"}
    exact = np.asarray(full(samples, training=False))
    np.testing.assert_allclose(reference_outputs(half, samples), exact, atol=1e-6)
    # In half precision the model itself is further away: this is not what files are held to.
    assert np.abs(np.asarray(half(samples, training=False)) - exact).max() > 1e-5


def test_reference_of_many_samples_is_not_shuffled(model, samples, expected):
    np.testing.assert_allclose(reference_outputs(model, samples), expected, atol=1e-6)


def test_the_model_is_not_changed(small_classifier, samples):
    model = small_classifier()
    before = [np.array(weight) for weight in model.get_weights()]
    deployable(model, 1)
    reference_outputs(model, samples[:2])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.inputs[0].shape == (None, 16, 16, 3)


def test_a_model_that_answers_nan_is_refused(samples, small_classifier):
    model = small_classifier(name="diverged")
    model.layers[-1].set_weights([np.full((8, 5), np.nan), np.zeros(5)])
    with pytest.raises(ToolError, match="diverged: the Keras model itself answers NaN"):
        reference_outputs(model, samples[:2])


def test_names_that_tensorflow_does_not_take_are_replaced():
    vector = keras.Input((4,), name="é")
    one = layers.Dense(4, name="my layer")(vector)
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="ä b")], name="in ner")
    model = keras.Model(vector, inner(layers.Dense(4, name="my_layer")(one)), name="my model")
    assert sum(op_histogram(content_of(model)).values()) > 0
    assert [layer.name for layer in model.layers] == ["é", "my layer", "my_layer", "in ner"]
    assert model.name == "my model"


def test_names_that_tensorflow_takes_stay(model):
    deployed = deployable(model, 1)
    assert deployed.name == model.name
    assert {layer.name for layer in deployed.layers} & {layer.name for layer in model.layers}
