"""The network in tf_keras against the same in Keras 3."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.hostile import randomize
from support.unnormalized import mimic_norm, normalizer_free, shifted_relu

import keras_finet
from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import describe
from tflite_tools.mirror import build, separated

SHAPE = (9, 8, 6)


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def relative_difference(model, mirror):
    batch = images(3, *model.input_shape[1:])
    expected = [np.asarray(each) for each in keras.tree.flatten(model(batch, training=False))]
    actual = mirror.model(batch, training=False)
    actual = actual if isinstance(actual, list) else [actual]
    differences = []
    for one, other in zip(expected, actual, strict=True):
        assert one.shape == tuple(other.shape)
        assert np.ptp(one) > 0.01, "an output that says nothing"
        differences.append(np.abs(np.asarray(other) - one).max() / np.abs(one).max())
    return max(differences)


def single(layer, shape=SHAPE):
    image = keras.Input(shape)
    model = keras.Model(image, layer(image))
    randomize(model)
    return model


LAYERS = [
    layers.Conv2D(4, 3, strides=2, padding="same", dilation_rate=1, use_bias=False),
    layers.Conv2D(4, (3, 1), dilation_rate=2, activation="relu"),
    layers.Conv2D(4, 3, groups=2, activation="sigmoid"),
    layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
    layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same"),
    layers.SeparableConv2D(4, 3, depth_multiplier=2, activation="relu"),
    layers.Dense(5, activation="hard_sigmoid"),
    layers.BatchNormalization(epsilon=1e-2),
    layers.LayerNormalization(epsilon=1e-2),
    layers.Rescaling(0.5, offset=2.0),
    layers.Normalization(mean=[1.0] * 6, variance=[4.0] * 6),
    layers.MaxPooling2D(3, strides=2, padding="same"),
    layers.AveragePooling2D(3, strides=2, padding="same"),
    layers.GlobalAveragePooling2D(keepdims=True),
    layers.GlobalMaxPooling2D(),
    layers.ZeroPadding2D(((1, 0), (0, 2))),
    layers.Cropping2D(((1, 0), (0, 2))),
    layers.UpSampling2D(2, interpolation="bilinear"),
    layers.Flatten(),
    layers.Reshape((18, 24)),
    layers.Permute((2, 3, 1)),
    layers.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2),
    layers.LeakyReLU(negative_slope=0.15),
    layers.PReLU(shared_axes=[1, 2]),
    layers.ELU(alpha=0.7),
    layers.Softmax(axis=1),
    layers.Rescaling(1.0, offset=[0.5, -1.0, 0.0, 2.0, -0.1, 3.0]),
    keras_finet.layers.ChannelShuffleSplit(name="shuffle"),
]
ACTIVATIONS = (
    *("elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "linear", "relu"),
    *("relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh"),
)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_computes_the_same(layer):
    shape = (9, 8, 8) if layer.name == "shuffle" else SHAPE
    model = single(layer, shape)
    assert relative_difference(model, build(describe(model))) < 1e-6


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_computes_the_same(name):
    model = single(layers.Activation(name))
    assert relative_difference(model, build(describe(model))) < 1e-6


def test_an_adapted_normalization_computes_the_same():
    normalization = layers.Normalization()
    normalization.adapt(5 + 3 * images(20, *SHAPE))
    image = keras.Input(SHAPE)
    model = keras.Model(image, normalization(image))
    assert relative_difference(model, build(describe(model))) < 1e-6


def shared_and_nested():
    """A layer called twice, a model in the model, two outputs, operations with numbers."""
    inner_input = keras.Input((9, 8, 4))
    inner = keras.Model(inner_input, layers.Conv2D(4, 1, activation="silu")(inner_input))
    image = keras.Input(SHAPE)
    shared = layers.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    first = layers.Conv2D(6, 1)(image)
    x = layers.Concatenate()([shared(image), shared(first)])
    y = inner(layers.Conv2D(4, 1)(x))
    y = 2.0 * y - ops.relu6(y + 3.0) / 6.0
    y = layers.Multiply()([y, layers.Activation("sigmoid")(y)])
    z = layers.Average()([layers.Maximum()([y, shared(first)]), layers.Subtract()([y, y * y])])
    pooled = ops.mean(z, axis=(1, 2), keepdims=True)
    model = keras.Model(image, [ops.reshape(pooled, (-1, 2, 2)), layers.Dense(3)(z)])
    randomize(model)
    return model


SMALL = {"input_shape": (32, 32, 3), "classes": 5, "weights": None, "classifier_activation": None}
NETWORKS = {
    "shared and nested": shared_and_nested,
    "FinetSmall": lambda: keras_finet.FinetSmall(stem="cifar", **SMALL),
    "ShuffleNetV2": lambda: keras_finet.ShuffleNetV2(stem="cifar", alpha=0.5, **SMALL),
    "MobileNetV3Small": lambda: keras.applications.MobileNetV3Small(**SMALL),
    "shifted_relu": shifted_relu,
    "mimic_norm": mimic_norm,
    "normalizer_free": normalizer_free,
    "EfficientNetV2B0": lambda: keras.applications.EfficientNetV2B0(**SMALL),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_the_same(name):
    model = NETWORKS[name]()
    randomize(model)
    fused = keras_finet.fuse(model)
    assert relative_difference(fused, build(describe(fused))) < 1e-6


def test_activations_become_nodes_of_their_own():
    spec = separated(describe(shared_and_nested()))
    weighted = [node for node in spec.nodes if node.weights]
    assert len(weighted) == 5
    assert {node.config["activation"] for node in weighted} == {"linear"}
    (shared,) = (node for node in spec.nodes if node.name == "shared_activation")
    assert [call.inputs[0].call for call in shared.calls] == [0, 1, 2]


def test_weights_are_those_of_the_nodes():
    model = single(layers.SeparableConv2D(4, 3, name="separable"))
    (variables,) = build(describe(model)).weights.values()
    for variable, array in zip(variables, model.get_layer("separable").get_weights(), strict=True):
        np.testing.assert_array_equal(variable.numpy(), array)


@pytest.mark.parametrize(
    ("layer", "shape", "fragment"),
    [
        (layers.LSTM(3, name="memory"), (5, 4), "'memory': the class LSTM"),
        (layers.Conv3D(3, 1, name="volume"), (4, 4, 4, 2), "'volume': the class Conv3D"),
        (layers.Activation("squareplus", name="odd"), (4,), "'odd': Activation squareplus"),
        (layers.Dense(3, activation=layers.ReLU(2.0), name="bent"), (4,), "'bent_activation'"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(layer, shape, fragment):
    with pytest.raises(ToolError, match=fragment) as info:
        build(describe(single(layer, shape)))
    assert "convert --precision int8" in str(info.value)


def test_a_setting_that_tf_keras_lacks_is_refused():
    spec = describe(single(layers.Dense(3, name="dense")))
    (node,) = spec.nodes
    odd = replace(node, config={**node.config, "bits": 4, "bytes": None})
    with pytest.raises(ToolError, match="'dense': a Dense with bits=4"):
        build(replace(spec, nodes=(odd,)))
