"""describe → save → load → build gives the same network, whatever it is made of."""

import keras
import numpy as np
import pytest
from keras import ops
from support.hostile import randomize
from support.models import assert_same_outputs, images, kinds

import keras_finet
from keras_finet.layers import ChannelShuffleSplit
from tflite_tools.graph_spec import build, describe, load, save

layers = keras.layers
IMAGE = (8, 8, 4)


def functional(call, *shapes):
    entries = [keras.Input(shape) for shape in shapes or [IMAGE]]
    return keras.Model(entries[0] if len(entries) == 1 else entries, call(*entries))


def finet_block():
    image = keras.Input(IMAGE)
    x = keras_finet.FineGrainedBatchNorm(8, 3, groups=4, padding="same", activation="relu")(image)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)), name="block")


def layers_of_the_package():
    image = keras.Input(IMAGE)
    x = keras_finet.FineGrainedBatchNorm(8, 1, groups=4)(image)
    one, two = ChannelShuffleSplit()(x)
    return keras.Model(image, layers.Subtract()([one, two]))


def shared_layer_with_work_between_its_calls():
    shared, other = layers.Conv2D(4, 1), layers.Conv2D(4, 1)
    return functional(lambda x: shared(other(shared(x))) + shared(x))


def nested_twice():
    inner = functional(lambda x: layers.Conv2D(4, 1, name="same")(layers.ReLU()(x)))
    return functional(lambda x: inner(layers.Conv2D(4, 1, name="same")(inner(x))))


def sequential_in_functional_in_sequential():
    deepest = keras.Sequential([keras.Input(IMAGE), layers.Conv2D(4, 3), layers.ReLU()])
    middle = functional(lambda x: layers.MaxPooling2D()(deepest(x)))
    return keras.Sequential([keras.Input(IMAGE), middle, layers.Flatten(), layers.Dense(3)])


def nested_with_several_inputs_and_outputs():
    one, two = keras.Input(IMAGE, name="one"), keras.Input(IMAGE, name="two")
    inner = keras.Model({"two": two, "one": one}, {"d": one - two, "c": one * 2.0})

    def call(x):
        made = inner({"one": x, "two": layers.Conv2D(4, 1)(x)})
        return made["c"] * made["d"]

    return functional(call)


def nested_by_the_names_of_its_inputs():
    """In an order that is not that of the alphabet."""
    zeta, alpha = keras.Input(IMAGE, name="zeta"), keras.Input(IMAGE, name="alpha")
    inner = keras.Model([zeta, alpha], zeta - 2 * alpha)
    return functional(lambda x: inner({"alpha": x, "zeta": layers.Conv2D(4, 1)(x)}))


def several_inputs_and_outputs():
    return functional(lambda x, y: [layers.Add()([x, y]), layers.Conv2D(2, 1)(y)], IMAGE, IMAGE)


def outputs_in_a_dictionary():
    return functional(lambda x: {"z": layers.Conv2D(2, 1)(x), "a": x * 2.0})


def bare_operations():
    def call(x):
        x = ops.transpose(ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), (0, 2, 1, 3))
        halves = ops.split(ops.concatenate([x, -x], axis=-1), 2, axis=-1)
        x = ops.where(halves[0] > 0.1, halves[0], halves[1])[:, 1:-1, ..., ::2]
        return ops.mean(ops.add(x, np.arange(2, dtype="float32")), axis=(1, 2), keepdims=True)

    return functional(call)


def tensors_as_keywords():
    def call(x):
        sequence = layers.Reshape((16, 16))(x)
        attended = layers.MultiHeadAttention(2, 4)(query=sequence, value=sequence, key=sequence)
        return layers.Dense(3)(attended)

    return functional(call)


def wrappers_and_recurrence():
    def call(x):
        inner = keras.Sequential([keras.Input((8, 4)), layers.Conv1D(3, 2, name="a b")])
        x = layers.TimeDistributed(inner, name="rows é")(x)
        x = layers.TimeDistributed(layers.Flatten())(x)
        x = layers.Bidirectional(layers.LSTM(3, unroll=True, return_sequences=True))(x)
        return layers.RNN([layers.GRUCell(2), layers.SimpleRNNCell(2)], unroll=True)(x)

    return functional(call)


def settings_of_training():
    return functional(
        layers.Conv2D(
            3,
            2,
            kernel_initializer="he_normal",
            kernel_regularizer="l2",
            bias_constraint="non_neg",
            activation=layers.LeakyReLU(0.1),
        )
    )


def names_that_tensorflow_does_not_take():
    inner = functional(lambda x: layers.Conv2D(4, 1, name="ä b")(x))
    inner.name = "in ner"

    def call(image):
        x = layers.Conv2D(4, 1, name="_conv")(layers.Conv2D(4, 1, name="my layer")(image))
        return inner(layers.Conv2D(4, 1, name="my_layer")(x))

    return functional(call)


def rescaled_and_normalized():
    return functional(
        lambda x: layers.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 4, 9, 16])(
            layers.Rescaling(1 / 255, offset=-1)(x)
        )
    )


MODELS = [
    finet_block,
    layers_of_the_package,
    shared_layer_with_work_between_its_calls,
    nested_twice,
    sequential_in_functional_in_sequential,
    nested_with_several_inputs_and_outputs,
    nested_by_the_names_of_its_inputs,
    several_inputs_and_outputs,
    outputs_in_a_dictionary,
    bare_operations,
    tensors_as_keywords,
    wrappers_and_recurrence,
    settings_of_training,
    names_that_tensorflow_does_not_take,
    rescaled_and_normalized,
]


def made(build_model):
    model = build_model()
    randomize(model, seed=3)
    fused = keras_finet.fuse(model) if build_model is finet_block else model
    return model, fused


@pytest.mark.parametrize("build_model", MODELS, ids=lambda each: each.__name__)
def test_the_same_network_comes_back(build_model, tmp_path):
    model, fused = made(build_model)
    spec = describe(fused)
    save(spec, tmp_path / "graph.npz")
    loaded = load(tmp_path / "graph.npz")
    assert (loaded.inputs, loaded.outputs) == (spec.inputs, spec.outputs)
    assert [node.calls for node in loaded.nodes] == [node.calls for node in spec.nodes]
    rebuilt = build(loaded, batch_size=3)
    assert [tensor.shape[0] for tensor in rebuilt.inputs] == [3] * len(model.inputs)
    data = [images(3, *entry.shape[1:], seed=seed) for seed, entry in enumerate(model.inputs)]
    inputs = data[0] if len(data) == 1 else data
    assert_same_outputs(model, rebuilt, inputs, tolerance=2e-6)
    assert not any(isinstance(layer, keras.Model) for layer in rebuilt.layers)


def test_normalization_that_learnt_its_statistics():
    norm = layers.Normalization(axis=-1)
    norm.adapt(images(50, *IMAGE) * 3 + 7)
    model = functional(lambda x: layers.Conv2D(2, 1)(norm(x)))
    fused = keras_finet.fuse(model)
    assert_same_outputs(model, fused, images(4, *IMAGE))
    assert_same_outputs(model, build(describe(fused)), images(4, *IMAGE))


def test_shared_layers_are_one_node_with_several_calls():
    spec = describe(shared_layer_with_work_between_its_calls())
    counts = sorted(len(node.calls) for node in spec.nodes)
    assert counts == [1, 1, 3]
    spec = describe(nested_twice())
    assert sorted((node.class_name, len(node.calls)) for node in spec.nodes) == [
        ("Conv2D", 1),
        ("Conv2D", 2),
        ("ReLU", 2),
    ]


def test_every_call_reads_what_is_made_before_it():
    spec = describe(wrappers_and_recurrence())
    known = {entry.name for entry in spec.inputs}
    for node in spec.nodes:
        assert {reference.node for call in node.calls for reference in call.inputs} <= known
        known.add(node.name)
    assert {reference.node for reference in spec.outputs} <= known


def test_names_are_fit_for_tensorflow_and_unique():
    spec = describe(names_that_tensorflow_does_not_take())
    names = [node.name for node in spec.nodes]
    assert names == ["my_layer", "layer_conv", "my_layer_1", "__b"] or len(set(names)) == 4
    assert all(name.isascii() and " " not in name and name[0] != "_" for name in names)


def test_names_inside_wrappers_are_fit_for_tensorflow():
    """Of layers that stay inside a wrapper, only its configuration knows the names."""
    (rows, *_) = (node for node in describe(wrappers_and_recurrence()).nodes if "rows" in node.name)
    names = [entry["config"]["name"] for entry in rows.config["layer"]["config"]["layers"]]
    assert rows.name == "rows__"
    assert names[-1] == "a_b"


def test_the_model_is_not_changed():
    model = names_that_tensorflow_does_not_take()
    before = [layer.name for layer in model.layers], model.get_config()
    describe(model)
    assert before == ([layer.name for layer in model.layers], model.get_config())


def test_the_built_model_has_the_kinds_of_the_fused_one():
    fused = keras_finet.fuse(finet_block())
    assert kinds(build(describe(fused))) == kinds(fused)


PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from keras import ops
from tflite_tools.graph_spec import build, load

folder = Path(sys.argv[1])
outputs = build(load(folder / "graph.npz"))(np.load(folder / "inputs.npy"), training=False)
np.save(folder / "outputs.npy", ops.convert_to_numpy(outputs))
"""


def test_in_another_process_on_tensorflow(run_python, tmp_path):
    model, fused = made(finet_block)
    inputs = images(5, *IMAGE)
    save(describe(fused), tmp_path / "graph.npz")
    np.save(tmp_path / "inputs.npy", inputs)
    process = run_python("-c", PROGRAM, tmp_path, env={"KERAS_BACKEND": "tensorflow"})
    assert process.returncode == 0, process.stderr
    expected = ops.convert_to_numpy(model(inputs, training=False))
    error = np.abs(np.load(tmp_path / "outputs.npy") - expected).max()
    assert error <= 1e-5 * np.abs(expected).max()
