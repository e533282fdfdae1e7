"""What is refused, the reason given, and what `where` selects."""

import keras
import numpy as np
import pytest
from keras import layers
from support import pairs
from support.models import assert_same_outputs, images

import keras_finet
from keras_finet import FineGrainedBatchNorm


class Block(layers.Layer):
    """A composite layer, as whole backbones are made of."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(4, 1)
        self.norm = layers.BatchNormalization()

    def call(self, inputs, training=None):
        return self.norm(self.conv(inputs), training=training)


def conv_norm(conv=None, norm=None):
    """A convolution and a normalisation of the given classes or settings."""

    def build(x):
        first = conv if callable(conv) else layers.Conv2D
        settings = conv if isinstance(conv, dict) else {}
        x = first(4, 1, name="conv", **settings)(x)
        return (norm or layers.BatchNormalization)(name="bn")(x)

    return build


def normalization(**settings):
    return lambda name: layers.BatchNormalization(name=name, **settings)


def nothing_behind(x):
    return layers.ReLU()(layers.Conv2D(4, 1, name="conv")(x))


def depthwise(x):
    return layers.BatchNormalization(name="bn")(layers.DepthwiseConv2D(3, name="conv")(x))


def fine_grained(x):
    return FineGrainedBatchNorm(4, 1, channels_per_group=2, name="conv")(x)


def separable(x):
    return layers.BatchNormalization(name="bn")(layers.SeparableConv2D(4, 3, name="conv")(x))


def transposed(x):
    return layers.BatchNormalization(name="bn")(layers.Conv2DTranspose(4, 3, name="conv")(x))


def no_convolution(x):
    return layers.BatchNormalization(name="conv")(layers.MaxPooling2D(name="pool")(x))


def called_in(training):
    def build(x):
        y = layers.Conv2D(4, 1, name="conv")(x)
        return layers.BatchNormalization(name="bn")(y, training=training)

    return build


def masked(x):
    y = layers.Conv2D(4, 1, name="conv")(x)
    return layers.BatchNormalization(name="bn")(y, mask=x[..., 0] > 0)


def half_frozen(x):
    y = layers.Conv2D(4, 1, name="conv")(x)
    return layers.BatchNormalization(name="bn", trainable=False)(y)


def low_rank_adaptation(x):
    return layers.BatchNormalization(name="bn")(layers.Conv2D(4, 1, lora_rank=2, name="conv")(x))


def composite(x):
    return Block(name="conv")(x)


def wrapped(x):
    frames = layers.Reshape((2, 3, 6, 4))(x)
    return layers.TimeDistributed(layers.Conv2D(4, 1), name="conv")(frames)


def nested_always_training(x):
    inner = [keras.Input((6, 6, 4)), layers.Conv2D(4, 1), layers.BatchNormalization()]
    return keras.Sequential(inner, name="conv")(x, training=True)


always_training = "it is called with training=True, so it is not constant in inference"
REFUSED = {
    "activation between": (
        pairs.activation_between,
        "the activation 'relu' stands between it and 'bn'",
    ),
    "no normalisation": (nothing_behind, "no BatchNormalization reads it"),
    "own activation": (
        conv_norm({"activation": "relu"}),
        "'conv' applies its own activation first: relu",
    ),
    "used elsewhere": (pairs.used_elsewhere, "the output of 'conv' is used elsewhere too: bn, add"),
    "an output": (
        pairs.conv_is_an_output,
        "the output of 'conv' is used elsewhere too: bn, the output",
    ),
    "shared": (pairs.shared_convolution, "'conv' is shared: it is called 2 times"),
    "shared normalisation": (
        pairs.shared_normalization,
        "'bn' behind it: 'bn' is shared: it is called 2 times",
    ),
    "depthwise": (depthwise, "a depthwise convolution: a filter reads one channel only"),
    "separable": (
        separable,
        "a separable convolution: its pointwise half can be converted where it is a Conv2D of its "
        "own, behind a DepthwiseConv2D",
    ),
    "fine-grained": (fine_grained, "already fine-grained, in 2 groups"),
    "transposed": (transposed, "a Conv2DTranspose, and FineGrainedBatchNorm is for Conv2D"),
    "grouped": (
        conv_norm({"groups": 2}),
        "a grouped convolution: its filters are split into 2 too",
    ),
    "custom convolution": (
        conv_norm(pairs.LoudConv),
        "a custom LoudConv: its call may do more than Conv2D's",
    ),
    "custom normalisation": (
        conv_norm(norm=pairs.LoudNorm),
        "'bn' behind it: a custom subclass of BatchNormalization: its call may do more",
    ),
    "other axis": (
        conv_norm(norm=normalization(axis=1)),
        "'bn' behind it: it normalises axis 1, not the filters",
    ),
    "renormalisation": (
        conv_norm(norm=normalization(renorm=True)),
        "'bn' behind it: batch renormalisation keeps other statistics",
    ),
    "no epsilon": (
        conv_norm(norm=normalization(epsilon=0.0)),
        "'bn' behind it: its epsilon is 0.0, not positive",
    ),
    "odd momentum": (
        conv_norm(norm=normalization(momentum=1.5)),
        "'bn' behind it: its momentum is 1.5, not within [0, 1]",
    ),
    "always training": (called_in(True), f"'bn' behind it: {always_training}"),
    "never training": (
        called_in(False),
        "'bn' behind it: it is called with training=False, so it does not train",
    ),
    "mask": (masked, "'bn' behind it: it is called with a mask"),
    "activity regularizer": (
        conv_norm({"activity_regularizer": "l2"}),
        "'bn' behind it: the convolution has an activity regularizer of its own",
    ),
    "mixed policies": (
        conv_norm({"dtype": "mixed_bfloat16"}),
        "'bn' behind it: its dtype policy is float32, the convolution's mixed_bfloat16",
    ),
    "half frozen": (
        half_frozen,
        "'bn' behind it: its `trainable` is False, the convolution's True",
    ),
    "adapted": (low_rank_adaptation, "'conv' has weights beside its kernel and bias"),
    "no convolution": (no_convolution, "'pool' before it is a MaxPooling2D, not a convolution"),
    "composite": (composite, "a custom Block: what is inside it is not looked into"),
    "wrapped": (wrapped, "the Conv2D inside it is not looked into"),
    "nested always training": (nested_always_training, always_training),
}


@pytest.mark.parametrize(("build", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_their_reason(build, reason):
    inputs = keras.Input((6, 6, 4), name="image")
    model = keras.Model(inputs, build(inputs))
    plan = keras_finet.plan_fine_grain(model, groups=2)
    reasons = {refusal.layer: refusal.detail for refusal in plan.refusals}
    assert reasons["conv"] == reason
    assert reason in str(plan)
    with pytest.raises(ValueError, match="of which nothing can be converted:") as error:
        keras_finet.fine_grain(model, groups=2)
    assert reason in str(error.value)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a fault on tensorflow alone")
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_bias_that_keras_adds_along_the_width_is_refused(use_bias):
    inputs = keras.Input((8, 6, 6))
    x = layers.Conv2D(6, 1, use_bias=use_bias, data_format="channels_first")(inputs)
    model = keras.Model(inputs, layers.BatchNormalization(axis=1)(x))
    plan = keras_finet.plan_fine_grain(model, groups=2)
    assert plan.converts == (not use_bias)
    reason = "channels_first with 6 filters on a width of 6: Keras would add the bias"
    assert (reason in str(plan)) == use_bias


def two_blocks():
    """Four pairs, two of them in a nested model, and a stem with too few channels."""

    def pair(x, name, kernel_size=1):
        x = layers.Conv2D(8, kernel_size, padding="same", use_bias=False, name=name)(x)
        return layers.ReLU()(layers.BatchNormalization(name=f"{name}_bn")(x))

    image = keras.Input((6, 6, 8))
    inner = keras.Model(image, pair(pair(image, "wide", 3), "narrow"), name="inner")
    inputs = keras.Input((6, 6, 3))
    x = inner(pair(pair(inputs, "stem"), "first"))
    return keras.Model(inputs, pair(x, "last", 3), name="two_blocks")


def fine_layers(model):
    inner = model.get_layer("inner")
    return [
        layer.name
        for layer in [*model.layers, *inner.layers]
        if isinstance(layer, FineGrainedBatchNorm)
    ]


def test_plan_warns_of_what_has_no_gamma():
    inputs = keras.Input((6, 6, 4))
    model = keras.Model(inputs, conv_norm(norm=normalization(scale=False))(inputs))
    details = [keras_finet.plan_fine_grain(model, groups).decisions[0].detail for groups in (1, 4)]
    assert details == [
        "FineGrainedBatchNorm(groups=1) with 'bn'",
        "FineGrainedBatchNorm(groups=4) with 'bn'; without gamma, training starts 2.0 times larger",
    ]


def test_plan_lists_every_decision_with_its_path():
    plan = keras_finet.plan_fine_grain(two_blocks())
    found = [(d.layer, d.kind, d.action, d.detail) for d in plan.all_decisions()]
    assert found == [
        ("stem", "Conv2D", "keep", "3 input channels are too few for 4 groups"),
        ("first", "Conv2D", "convert", "FineGrainedBatchNorm(groups=4) with 'first_bn'"),
        ("last", "Conv2D", "convert", "FineGrainedBatchNorm(groups=4) with 'last_bn'"),
        ("inner/wide", "Conv2D", "convert", "FineGrainedBatchNorm(groups=4) with 'wide_bn'"),
        ("inner/narrow", "Conv2D", "convert", "FineGrainedBatchNorm(groups=4) with 'narrow_bn'"),
    ]
    assert str(plan).startswith("Fine-graining plan of two_blocks: 1 keep, 4 convert\n")


@pytest.mark.parametrize(
    ("where", "selected"),
    [
        (None, ["first", "last", "wide", "narrow"]),
        (lambda conv: conv.kernel_size == (1, 1), ["first", "narrow"]),
        (["last", "inner/wide"], ["last", "wide"]),
        ((name for name in ["last", "inner/wide"]), ["last", "wide"]),
        ({"first"}, ["first"]),
    ],
    ids=["all", "function", "list", "generator", "set"],
)
def test_where_selects(where, selected):
    model = two_blocks()
    fine = keras_finet.fine_grain(model, groups=4, where=where)
    assert fine_layers(fine) == selected
    assert_same_outputs(model, fine, images(2, 6, 6, 3))


def test_where_is_asked_of_what_can_be_converted_only():
    asked = []
    keras_finet.plan_fine_grain(two_blocks(), where=lambda conv: asked.append(conv.name))
    assert asked == ["first", "wide", "narrow", "last"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 0}, "Expected `groups` to be a positive integer. Received: 0"),
        ({"groups": -2}, "Expected `groups` to be a positive integer. Received: -2"),
        ({"groups": 2.0}, "Expected `groups` to be a positive integer. Received: 2.0"),
        ({"groups": True}, "Expected `groups` to be a positive integer. Received: True"),
        ({"where": "first"}, "a list of names of layers, or None. Received: 'first'"),
        ({"where": 3}, "a list of names of layers, or None. Received: 3"),
        ({"where": [3]}, r"a list of names of layers, or None. Received: \(3,\)"),
        (
            {"where": ["first", "lst"]},
            r"'two_blocks'. Received: 'lst', which is none of them. Did you mean \['last'",
        ),
        ({"where": ["wide"]}, r"Received: 'wide', .* Did you mean \['inner/wide'\]"),
        ({"where": ["first_bn"]}, "Received: 'first_bn', which is none of them"),
        (
            {"where": ["stem"]},
            "'stem', which stays as it is: 3 input channels are too few for 4 groups. Leave it out",
        ),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(arguments, message):
    model = two_blocks()
    for function in (keras_finet.fine_grain, keras_finet.plan_fine_grain):
        with pytest.raises(ValueError, match=message):
            function(model, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 9}, "inner/narrow: 8 input channels are too few for 9 groups"),
        ({"where": lambda conv: False}, "last: `where` does not select it"),
        ({"where": []}, "last: `where` does not select it"),
    ],
    ids=["groups", "function", "list"],
)
def test_nothing_to_convert_is_an_error_with_the_reasons(arguments, message):
    model = two_blocks()
    assert not keras_finet.plan_fine_grain(model, **arguments).converts
    with pytest.raises(ValueError, match=message):
        keras_finet.fine_grain(model, **arguments)


def test_many_reasons_are_cut_short():
    inputs = keras.Input((4, 4, 8))
    x = inputs
    for _ in range(12):
        x = layers.Conv2D(8, 1)(x)
    with pytest.raises(ValueError, match=r"\n  and 4 more\nUse fewer `groups`") as error:
        keras_finet.fine_grain(keras.Model(inputs, x))
    assert str(error.value).count("no BatchNormalization reads it") == 8


def test_model_without_convolutions_says_so():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(2)(inputs))
    assert "nothing to do" in str(keras_finet.plan_fine_grain(model))
    with pytest.raises(ValueError, match="it has no convolution"):
        keras_finet.fine_grain(model)


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subclassed(name="mine"), "'mine' of class Subclassed, whose graph of layers cannot be"),
        (keras.Sequential([layers.Dense(3)], name="late"), "'late', not built. Give it"),
        ("model.keras", "Received: 'model.keras' of class str"),
    ],
    ids=["subclassed", "not built", "path"],
)
def test_models_without_a_graph_are_refused(model, message):
    for function in (keras_finet.fine_grain, keras_finet.plan_fine_grain):
        with pytest.raises(ValueError, match=message):
            function(model)


def test_planning_changes_nothing():
    model = two_blocks()
    before = model.get_weights()
    keras_finet.plan_fine_grain(model)
    assert all(map(np.array_equal, before, model.get_weights()))
    assert [type(layer).__name__ for layer in model.layers].count("BatchNormalization") == 3
