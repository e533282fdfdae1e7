"""What is refused, and the reason given."""

import keras
import numpy as np
import pytest
from keras import layers
from support import pairs
from support.hostile import randomize

import keras_finet
from keras_finet import FineGrainedBatchNorm


class LoudFine(FineGrainedBatchNorm):
    def call(self, inputs, training=None):
        return super().call(inputs, training=training) * 2.0


class AlwaysDropout(layers.Dropout):
    def call(self, inputs, training=False):
        return super().call(inputs, training=True)


def own_activation(x):
    conv = layers.Conv2D(4, 1, activation="relu", name="conv")
    return layers.BatchNormalization(name="bn")(conv(x))


def used_elsewhere_behind_dropout(x):
    y = layers.Dropout(0.5, name="drop")(layers.Conv2D(4, 1, name="conv")(x))
    return [layers.BatchNormalization(name="bn")(y), layers.ReLU(name="relu")(y)]


def read_twice(x):
    y = layers.Conv2D(4, 1, name="conv")(x)
    z = layers.BatchNormalization(name="bn")(y)
    return [z, layers.Add(name="add")([y, y])]


def no_convolution(x):
    return layers.BatchNormalization(name="bn")(x)


def transposed(x):
    return layers.BatchNormalization(name="bn")(layers.Conv2DTranspose(4, 3, name="up")(x))


def other_axis(x):
    return layers.BatchNormalization(axis=1, name="bn")(layers.Conv2D(4, 1)(x))


def custom_convolution(x):
    return layers.BatchNormalization(name="bn")(pairs.LoudConv(4, 1, name="conv")(x))


def custom_normalization(x):
    return pairs.LoudNorm(name="bn")(layers.Conv2D(4, 1)(x))


def custom_foldable(x):
    return LoudFine(4, 1, name="bn")(x)


def custom_dropout(x):
    return AlwaysDropout(0.5, name="bn")(x)


def nested_always_training(x):
    inner = [keras.Input((6, 6, 4)), layers.Conv2D(4, 1), layers.BatchNormalization()]
    return keras.Sequential(inner, name="bn")(x, training=True)


def bias_on_the_wrong_axis(x):
    return FineGrainedBatchNorm(4, (1, 1), data_format="channels_first", name="bn")(x)


def low_rank_adaptation(x):
    dense = layers.Dense(4, use_bias=False, lora_rank=2, name="dense")
    return layers.BatchNormalization(name="bn")(dense(x))


def renormalization(x):
    return layers.BatchNormalization(renorm=True, name="bn")(layers.Conv2D(4, 1)(x))


def always_training(x):
    return layers.BatchNormalization(name="bn")(layers.Conv2D(4, 1)(x), training=True)


def wrapped(x):
    frames = layers.Reshape((2, 3, 6, 4))(x)
    return layers.TimeDistributed(FineGrainedBatchNorm(4, 1), name="bn")(frames)


def foldable_always_training(x):
    return FineGrainedBatchNorm(4, 1, groups=2, name="bn")(x, training=True)


def dropout_always_training(x):
    return layers.Dropout(0.5, name="bn")(x, training=True)


CASES = {
    pairs.activation_between: "the activation 'relu' stands before it",
    own_activation: "'conv' applies its own activation first: relu",
    pairs.used_elsewhere: "the output of 'conv' is used elsewhere too: bn, add",
    pairs.conv_is_an_output: "the output of 'conv' is used elsewhere too: bn, the output",
    used_elsewhere_behind_dropout: "the output of 'drop' is used elsewhere too: bn, relu",
    read_twice: "the output of 'conv' is used elsewhere too: bn, add, add",
    pairs.shared_convolution: "'conv' is shared: it is called 2 times",
    pairs.shared_normalization: "'bn' is shared: it is called 2 times",
    no_convolution: "'image' before it is a InputLayer, not a convolution or Dense",
    transposed: "'up' before it is a Conv2DTranspose, not a convolution or Dense",
    other_axis: "it normalises axis 1, not the filters",
    custom_convolution: "'conv' is a custom LoudConv: its call may do more",
    custom_normalization: "a custom subclass of BatchNormalization: its call may do more",
    renormalization: "batch renormalisation keeps other statistics",
    wrapped: "the FineGrainedBatchNorm inside it is not looked into",
    custom_foldable: "a custom subclass with its own `call` but the `fold` of FineGrainedBatchNorm",
    custom_dropout: "a custom subclass of a dropout layer: its call may do more",
    nested_always_training: "it is called with training=True, so it is not constant in inference",
    bias_on_the_wrong_axis: (
        "channels_first with 4 filters on a width of 4: Keras would add the bias along the width"
    ),
    low_rank_adaptation: "'dense' has weights beside its kernel and bias",
    always_training: "it is called with training=True, so it is not constant in inference",
    foldable_always_training: "it is called with training=True, so it is not constant in inference",
    dropout_always_training: "it is called with training=True, so it is not constant in inference",
}


@pytest.mark.parametrize(
    ("build", "reason"), CASES.items(), ids=lambda case: getattr(case, "__name__", "")
)
def test_refusals_name_their_reason_and_change_nothing(build, reason):
    inputs = keras.Input((6, 6, 4), name="image")
    model = keras.Model(inputs, build(inputs))
    randomize(model)
    plan = keras_finet.plan_fusion(model)
    assert [(refusal.layer, refusal.detail) for refusal in plan.refusals] == [("bn", reason)]
    assert reason in str(plan)
    fused = keras_finet.fuse(model)
    kept, original = fused.get_layer("bn"), model.get_layer("bn")
    if build is nested_always_training:
        assert [type(layer) for layer in kept.layers[1:]] == [
            type(each) for each in original.layers
        ]
    else:
        assert type(kept) is type(original)
    if "training" not in reason and build is not custom_dropout:
        assert keras_finet.verify_fusion(model, fused).passed


def test_nothing_folds_into_a_layer_that_is_itself_refused():
    inputs = keras.Input((6, 6, 4))
    x = layers.BatchNormalization(name="bn")(LoudFine(4, 1, name="loud")(inputs))
    model = keras.Model(inputs, x)
    randomize(model)
    plan = keras_finet.plan_fusion(model)
    assert [refusal.layer for refusal in plan.refusals] == ["loud", "bn"]
    assert type(keras_finet.fuse(model).get_layer("loud")) is LoudFine


def test_plan_lists_every_decision_with_its_path():
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(4, 1, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            FineGrainedBatchNorm(4, 1, name="fbn"),
            layers.Dropout(0.5, name="drop"),
        ],
        name="inner",
    )(x)
    plan = keras_finet.plan_fusion(keras.Model(inputs, x))
    decisions = [(d.layer, d.kind, d.action, d.detail) for d in plan.all_decisions()]
    assert decisions == [
        ("bn", "BatchNormalization", "fold", "conv"),
        ("inner/fbn", "FineGrainedBatchNorm", "replace", "Conv2D"),
        ("inner/drop", "Dropout", "remove", "identity in inference"),
    ]
    assert "1 fold, 1 replace, 1 remove" in str(plan)


def test_nothing_to_do_says_so():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(2)(inputs))
    assert "nothing to do" in str(keras_finet.plan_fusion(model))
    assert np.array_equal(keras_finet.fuse(model).get_weights()[0], model.get_weights()[0])
