"""The network that rounds: against NumPy, and against what its int8 file computes."""

import os
import warnings

import keras
import numpy as np
import pytest
from support.hostile import randomize
from support.unnormalized import NETWORKS, normalizer_free
from support.unnormalized import trained as unnormalized

from tflite_tools.converter import tflite_contents
from tflite_tools.deploy import deployed_graph
from tflite_tools.interpreter import LiteModel
from tflite_tools.quantization_aware.points import rounded_nodes
from tflite_tools.quantization_aware.preparing import prepared
from tflite_tools.quantize import Quantization


@pytest.fixture(scope="module")
def legacy():
    """tf_keras and tfmot in this process; tfmot leaves a variable that others would inherit."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("TF_USE_LEGACY_KERAS", "")
        patch.delenv("TF_USE_LEGACY_KERAS")
        warnings.simplefilter("ignore")
        from tflite_tools.quantization_aware import quantized, trainer

        os.environ.pop("TF_USE_LEGACY_KERAS", None)
        yield quantized, trainer


@pytest.fixture(scope="module")
def graph(trained_model):
    return deployed_graph(trained_model)


@pytest.fixture(scope="module")
def trainer(legacy, graph, train_set):
    made = legacy[1].Trainer(graph, train_set[0], seed=0)
    made.calibrate()
    return made


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_it_rounds_as_the_int8_file_does(trainer, graph, train_set, held_back, tmp_path):
    """Half of what int8 costs and more is what the network was trained to live with."""
    images = held_back[0]
    (content,) = tflite_contents(graph, ["int8"], quantization=Quantization(train_set[0]))
    file = tmp_path / "int8.tflite"
    file.write_bytes(content)
    in_file = LiteModel(file).predict(images)
    in_float = softmax(trainer.float_answers(images))
    rounded = softmax(np.asarray(trainer._rounded_outputs(images)))
    cost = np.abs(in_file - in_float).mean()
    assert cost > 0.005
    assert np.abs(in_file - rounded).mean() < 0.5 * cost


def test_the_places_that_are_rounded(graph):
    layers_of_int8 = set(rounded_nodes(prepared(graph)))
    weighted = {node.name for node in graph.nodes if node.weights}
    # ReLU is part of the convolution or sum before it: that one's own output does not exist.
    fused = {"stem", "wide", "sum"}
    assert weighted - fused <= layers_of_int8
    assert not fused & layers_of_int8
    others = {"image_rounded", "relu", "wide_activation", "scaled", "sum_relu"}
    others |= {"squeeze", "pool", "excite_activation"}
    assert others <= layers_of_int8
    assert len(layers_of_int8) == len(others | (weighted - fused))


def test_ranges_are_the_true_extremes_of_the_float_network(trainer, trained_model, train_set):
    ranges = trainer._quantized.ranges
    taps = {name: trained_model.get_layer(name).output for name in ("relu", "scaled")}
    tapped = keras.Model(trained_model.input, taps)(train_set[0], training=False)
    tapped = {**tapped, "image_rounded": train_set[0]}
    for name, values in tapped.items():
        low, high = (float(variable.numpy()) for variable in ranges[name]._variables)
        values = np.asarray(values)
        np.testing.assert_allclose(
            [low, high], [min(values.min(), 0), values.max()], rtol=1e-4, atol=1e-5
        )
    # TFLite fixes the scale of what a sigmoid gives.
    assert "excite_activation" not in ranges


@pytest.mark.parametrize(
    ("shape", "order", "count", "channel_axes"),
    [
        ((3, 3, 4, 5), (0, 1, 2, 3), 1, (3,)),
        ((3, 3, 4, 2), (0, 1, 2, 3), 2, (2, 3)),  # depthwise: channels and multiplier
        ((3, 3, 5, 4), (0, 1, 3, 2), 1, (2,)),  # transposed: output channels come first
        ((6, 5), (0, 1), 1, (1,)),
    ],
)
def test_kernels_are_rounded_per_output_channel(legacy, shape, order, count, channel_axes):
    import tf_keras

    rng = np.random.default_rng(0)
    spread = [shape[axis] if axis in channel_axes else 1 for axis in range(len(shape))]
    kernel = rng.normal(size=shape) * 10 ** rng.uniform(-2, 2, spread)
    # A dead channel has no scale.
    dead = tuple(0 if axis in channel_axes else slice(None) for axis in range(len(shape)))
    kernel[dead] = 0
    kernel = kernel.astype("float32")
    quantizer = legacy[0].ChannelQuantizer(order, count)
    layer = tf_keras.layers.Layer()
    variables = quantizer.build(np.array(shape), "kernel", layer)
    got = quantizer(kernel, False, variables).numpy()
    others = tuple(axis for axis in range(len(shape)) if axis not in channel_axes)
    step = np.abs(kernel.astype("float64")).max(others, keepdims=True) / 127
    expected = np.round(kernel / np.where(step, step, 1)) * step
    # A weight half-way between two steps may go to either.
    assert np.all(np.abs(got - expected) <= 1e-3 * step + (np.abs(got - expected) > 0.99 * step))
    assert np.mean(np.abs(got - expected) <= 1e-3 * step) > 0.98
    assert np.abs(got - kernel).max() > 0


def test_zeros_of_pruning_stay(legacy, trained_model, train_set):
    pruned = keras.models.clone_model(trained_model)
    pruned.set_weights(trained_model.get_weights())
    wide = pruned.get_layer("wide")
    kernel = wide.kernel.numpy()
    kernel[:, :, ::2] = 0
    wide.kernel.assign(kernel)
    trainer = legacy[1].Trainer(deployed_graph(pruned), train_set[0], seed=0)
    trainer.calibrate()
    settings = {"batch_size": 32, "seed": 0}
    batches = legacy[1].Batches(train_set[0], trainer.float_answers(train_set[0]), settings)
    trainer.schedule(1e-2, len(batches))
    before = trainer.weights()
    trainer.run_epoch(batches, 1)
    (after, _), (first, _) = trainer.weights()["wide"], before["wide"]
    np.testing.assert_array_equal(after == 0, first == 0)
    assert np.count_nonzero(first == 0) == kernel.size // 2
    assert np.mean(after != first) == 0.5


def test_a_network_without_classes_is_trained_by_squared_error(legacy):
    image = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(3, 3, activation="tanh")(image)
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(x), name="regression")
    randomize(model)
    samples = np.random.default_rng(0).normal(size=(20, 6, 6, 2)).astype("float32")
    trainer = legacy[1].Trainer(deployed_graph(model), samples, seed=0)
    trainer.calibrate()
    targets = trainer.float_answers(samples)
    np.testing.assert_allclose(targets, np.asarray(model(samples)), rtol=1e-5, atol=1e-6)
    rounded = np.asarray(trainer._rounded_outputs(samples))
    found = trainer.evaluate(samples, targets, None)
    assert found["loss"] == pytest.approx(
        np.mean((rounded - targets) ** 2) / targets.var(), rel=1e-3
    )
    assert 0 < found["loss"] < 1e-3
    assert found["top1"] is found["agreement"] is None


def test_batches_hold_every_sample_once_in_an_order_of_their_own(legacy):
    samples = np.arange(10.0)
    batches = legacy[1].Batches(samples, samples * 2, {"batch_size": 4, "seed": 1})
    assert len(batches) == 2
    epochs = [list(batches.epoch()) for _ in range(2)]
    for epoch in epochs:
        shown = np.concatenate([each for each, _ in epoch])
        assert len(set(shown)) == 8
        assert all(np.array_equal(targets, 2 * each) for each, targets in epoch)
    assert not np.array_equal(epochs[0][0][0], epochs[1][0][0])


@pytest.mark.parametrize("network", NETWORKS, ids=lambda each: each.__name__)
def test_networks_without_normalisations_can_be_rounded(legacy, network):
    model, images = unnormalized(network)
    graph = deployed_graph(model)
    made = legacy[1].Trainer(graph, images, seed=0)
    made.calibrate()
    in_float, rounded = made.float_answers(images), np.asarray(made._rounded_outputs(images))
    assert 0 < np.abs(rounded - in_float).max() < 0.2 * np.abs(in_float).max()
    conditions = {node.name for node in graph.nodes if node.class_name == "GreaterEqual"}
    assert len(conditions) == (2 if network is normalizer_free else 0)
    assert not conditions & set(rounded_nodes(prepared(graph)))
