"""Synchronised statistics as a rewrite: which layers, and nothing else."""

import keras
import numpy as np
import pytest
from keras import layers
from keras.backend import backend
from support.models import assert_same_outputs, functional, images

import keras_finet

on_tensorflow = pytest.mark.skipif(backend() != "tensorflow", reason="tf.distribute's")


def normalizations(model):
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {f"{layer.name}/{name}": on for name, on in normalizations(layer).items()}
        elif hasattr(layer, "synchronized"):
            found[layer.name] = layer.synchronized
    return found


@pytest.fixture
def nested():
    inner = functional(
        layers.Conv2D(8, 1), layers.BatchNormalization(name="inner_bn"), shape=(12, 12, 6)
    )
    frozen = layers.BatchNormalization(name="frozen", trainable=False)
    already = layers.BatchNormalization(name="already", synchronized=backend() == "tensorflow")
    return functional(
        inner,
        keras_finet.FineGrainedBatchNorm(
            6, 3, groups=2, activation="relu", gamma_regularizer="l2", name="fine"
        ),
        frozen,
        already,
        layers.GroupNormalization(2),
        layers.TimeDistributed(layers.BatchNormalization(), name="wrapped"),
    )


@on_tensorflow
def test_every_normalization_and_nothing_else_changes(nested):
    copy = keras_finet.synchronize(nested)
    inner = nested.layers[1].name
    assert normalizations(copy) == {
        f"{inner}/inner_bn": True,
        "fine": True,
        "frozen": True,
        "already": True,
    }
    assert normalizations(nested) == {
        f"{inner}/inner_bn": False,
        "fine": False,
        "frozen": False,
        "already": True,
    }
    assert all(map(np.array_equal, copy.get_weights(), nested.get_weights()))
    assert_same_outputs(nested, copy, images(4, 12, 12, 6))
    # In training, outside of a strategy, too: one replica's statistics are those of all.
    assert_same_outputs(nested, copy, images(4, 12, 12, 6), training=True)
    for old, new in zip(nested.layers, copy.layers, strict=True):
        if not isinstance(old, keras.Model):
            assert {**old.get_config(), "synchronized": None} == {
                **new.get_config(),
                "synchronized": None,
            }
    assert [w.shape for w in copy.trainable_weights] == [w.shape for w in nested.trainable_weights]


@on_tensorflow
def test_the_plan_says_what_and_why_not(nested):
    plan = keras_finet.plan_synchronization(nested)
    title = f"Synchronization plan of {nested.name}: 3 set, 2 keep"
    assert str(plan).startswith(title)
    reasons = {refusal.layer: refusal.detail for refusal in plan.refusals}
    assert reasons == {
        "already": "it is so already",
        "wrapped": "the BatchNormalization inside it is not looked into",
    }


@on_tensorflow
def test_back_again(nested):
    copy = keras_finet.synchronize(keras_finet.synchronize(nested), synchronized=False)
    assert not any(normalizations(copy).values())
    assert all(map(np.array_equal, copy.get_weights(), nested.get_weights()))


@on_tensorflow
def test_a_shared_layer_stays_shared_and_a_frozen_model_frozen():
    shared = layers.BatchNormalization(name="shared")
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, layers.Add()([shared(inputs), shared(layers.ReLU()(inputs))]))
    model.trainable = False
    copy = keras_finet.synchronize(model)
    assert normalizations(copy) == {"shared": True}
    assert (len(copy.weights), copy.trainable, len(copy.trainable_weights)) == (4, False, 0)


@pytest.mark.skipif(backend() == "tensorflow", reason="the other backends refuse it")
def test_other_backends_say_what_to_do(nested):
    with pytest.raises(ValueError, match=r"tf\.distribute.*DataParallel.* leave it out"):
        keras_finet.synchronize(nested)
    assert not any(normalizations(keras_finet.synchronize(nested, synchronized=False)).values())


def test_a_model_without_a_graph_is_refused():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="Expected a functional or Sequential Keras model"):
        keras_finet.synchronize(Own(), synchronized=False)
