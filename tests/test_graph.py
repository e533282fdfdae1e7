"""Reading and copying graphs."""

import keras
import numpy as np
from keras import layers, ops
from support.hostile import randomize

from keras_finet.graph import Graph, Source, as_functional, copy_model


def branched():
    image = keras.Input((4, 4, 2), name="image", dtype="float32")
    count = keras.Input((3,), name="count", dtype="int32")
    conv = layers.Conv2D(2, 1, name="conv")
    x = layers.Add(name="add")([conv(image), conv(conv(image))])
    x = ops.sum(x, axis=(1, 2))
    model = keras.Model([image, count], {"x": x, "n": layers.Rescaling(2.0, name="scale")(count)})
    randomize(model)
    return model


def inputs(batch=3):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(batch, 4, 4, 2)).astype("float32"), rng.integers(0, 9, (batch, 3))]


def test_graph_lists_calls_readers_and_outputs():
    graph = Graph(as_functional(branched()))
    assert [call.inputs for call in graph.calls_of("conv")] == [
        (Source("image", 0),),
        (Source("image", 0),),
        (Source("conv", 1),),
    ]
    assert graph.readers(Source("conv", 1)) == ["conv"]
    assert sorted(graph.readers(Source("image", 0))) == ["conv", "conv"]
    assert graph.readers(Source("scale", 0)) == ["the output"]


def test_copy_computes_the_same_and_shares_nothing():
    model = branched()
    calls_before = [len(layer._inbound_nodes) for layer in model.layers]
    copy = copy_model(model)
    expected, found = model(inputs()), copy(inputs())
    for name in ("x", "n"):
        assert np.array_equal(
            ops.convert_to_numpy(found[name]), ops.convert_to_numpy(expected[name])
        )
    assert [tensor.dtype for tensor in copy.inputs] == ["float32", "int32"]
    copy.get_layer("conv").kernel.assign(np.zeros((1, 1, 2, 2)))
    assert np.any(ops.convert_to_numpy(model.get_layer("conv").kernel.value))
    assert [len(layer._inbound_nodes) for layer in model.layers] == calls_before


def test_copy_with_static_batch():
    copy = copy_model(branched(), batch_size=2)
    assert [tensor.shape for tensor in copy.inputs] == [(2, 4, 4, 2), (2, 3)]
    assert copy.output["x"].shape == (2, 2)


def test_copy_in_another_dtype_reaches_nested_models_and_wrapped_layers():
    image = keras.Input((5, 4, 4, 2))
    dtype = "mixed_float16"
    inner = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.Conv2D(2, 1, dtype=dtype)], name="inner"
    )
    x = layers.TimeDistributed(layers.Conv2D(2, 1, dtype=dtype), dtype=dtype)(image)
    x = layers.TimeDistributed(inner, dtype=dtype)(x)
    model = keras.Model(image, x)
    copy = copy_model(model, dtype="float32")
    policies = {layer.dtype_policy.name for layer in copy._flatten_layers() if layer is not copy}
    assert policies == {"float32"}
    assert copy.output.dtype == "float32"


def test_copy_is_frozen_as_the_original_and_unfreezes():
    inner = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(2, 1, name="in")], name="inner")
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, inner(layers.Conv2D(2, 1, name="out")(inputs)))
    model.trainable = False
    model.get_layer("out").trainable = True
    copy = copy_model(model)
    flags = [copy.trainable, copy.get_layer("out").trainable, copy.get_layer("inner").trainable]
    assert flags == [False, True, False]
    assert not copy.trainable_weights
    copy.trainable = True
    assert len(copy.trainable_weights) == 4
