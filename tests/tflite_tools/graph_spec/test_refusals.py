"""What a description cannot hold is refused by the layer's name."""

import warnings

import keras
import numpy as np
import pytest
from support.models import images

import keras_finet
from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import describe, load

layers = keras.layers


class Scale(layers.Layer):
    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs):
        return 2 * inputs


class Cell(layers.SimpleRNNCell):
    pass


class Shift(keras.Operation):
    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)

    def call(self, x):
        return x + 1


def doubled(x):
    return 2 * x


def model_of(layer, shape=(4, 3)):
    entry = keras.Input(shape)
    return keras.Model(entry, layer(entry), name="user")


ADVICE = "Replace it by stock layers or by operations of keras.ops"


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (layers.Lambda(doubled, name="twice"), "the layer 'twice' with a Lambda, whose code"),
        (Scale(name="scale"), "the layer 'scale' with Scale of .*test_refusals"),
        (Shift(name="shift"), "the layer 'shift' with Shift of "),
        (layers.Dense(2, activation=doubled, name="act"), "the layer 'act' with function doubled"),
        (layers.RNN(Cell(2), name="rnn"), "the layer 'rnn' with Cell of "),
        (layers.TimeDistributed(Scale(), name="wrap"), "the layer 'wrap' with Scale of "),
        (keras.Sequential([keras.Input((4, 3)), Scale(name="deep")]), "the layer 'deep' with "),
        (
            layers.TimeDistributed(
                keras.Sequential([keras.Input((3,)), layers.Lambda(doubled)]), name="wrap"
            ),
            "the layer 'wrap' with a Lambda",
        ),
    ],
    ids=["lambda", "layer", "operation", "activation", "cell", "wrapped", "nested", "deep lambda"],
)
def test_code_that_is_neither_keras_nor_ours_is_named(layer, problem):
    with pytest.raises(ToolError, match=f"user: expected layers and .*got {problem}.*{ADVICE}"):
        describe(model_of(layer))


def test_what_only_training_uses_may_be_the_users_own():
    class Small(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return keras.ops.full(shape, 0.5)

    layer = layers.Dense(2, kernel_initializer=Small())
    (node,) = describe(model_of(layer)).nodes
    np.testing.assert_array_equal(node.weights[0], np.full((3, 2), 0.5, "float32"))


def test_a_foldable_layer_of_the_users_own_is_gone_after_fusion():
    class Own(keras_finet.FineGrainedBatchNorm):
        pass

    model = model_of(Own(4, 1, groups=2), (4, 4, 2))
    with pytest.raises(ToolError, match="with Own of"):
        describe(model)
    assert [node.class_name for node in describe(keras_finet.fuse(model)).nodes] == ["Conv2D"]


@pytest.mark.parametrize("options", [{"training": True}, {"mask": True}])
def test_a_model_inside_that_is_not_just_called(options):
    inner = model_of(layers.Dense(2))
    entry = keras.Input((4, 3))
    if "mask" in options:
        options = {"mask": keras.ops.not_equal(entry[..., 0], 0)}
    with warnings.catch_warnings(action="ignore"):  # of the mask that goes no further
        model = keras.Model(entry, inner(entry, **options), name="outer")
    with pytest.raises(ToolError, match="outer: expected the model 'user' inside it to be called"):
        describe(model)


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def test_a_model_without_a_graph():
    with pytest.raises(ToolError, match="Expected a functional or Sequential Keras model"):
        describe(Subclassed())


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"x" * 100])
def test_a_file_that_is_no_description(tmp_path, content):
    path = tmp_path / "graph.npz"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=r"graph\.npz: not the description of a graph"):
        load(path)


def test_an_archive_of_other_arrays(tmp_path):
    np.savez(tmp_path / "graph.npz", images(2, 3))
    with pytest.raises(ToolError, match=r"graph\.npz: not the description of a graph.*KeyError"):
        load(tmp_path / "graph.npz")
