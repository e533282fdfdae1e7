"""Training, saving, resuming and folding with pruned weights, on any backend."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.hostile import randomize

import keras_finet
from keras_finet import FineGrainedBatchNorm, MagnitudePruning

IMAGES = np.random.default_rng(1).normal(size=(16, 8, 8, 3)).astype("float32")
LABELS = np.arange(16) % 5


def network(name="net"):
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    x = FineGrainedBatchNorm(12, 1, groups=4, activation="relu", name="fine")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Conv2D(10, 3, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(9, activation="relu", name="hidden")(x)
    model = keras.Model(image, layers.Dense(5, name="head")(x), name=name)
    randomize(model)
    return model


def fit(model, *callbacks, epochs=2, optimizer=None, **arguments):
    model.compile(
        optimizer or keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model.fit(
        *(IMAGES, LABELS),
        batch_size=4,
        epochs=epochs,
        callbacks=list(callbacks),
        verbose=0,
        **arguments,
    )


def kernels(model):
    """Kernels by the names of their layers."""
    found = {
        layer.name: ops.convert_to_numpy(layer.kernel)
        for layer in model.layers
        if hasattr(layer, "kernel")
    }
    assert len(found) >= 5
    return found


def zeros(model):
    return {name: int(np.count_nonzero(kernel == 0)) for name, kernel in kernels(model).items()}


FULL = {"stem": 0, "fine": 8 * 12 // 2, "conv": 9 * 12 * 10 // 2, "head": 0, "depthwise": 0}


@pytest.mark.parametrize("sparsity", [0.5, "2:4"])
def test_zeros_survive_training(sparsity):
    model = network()
    before = kernels(model)
    history = fit(model, MagnitudePruning(sparsity)).history
    # Ten input channels of `hidden`: rows of 4, 4 and 2, of which the last keeps both.
    hidden = 10 * 9 // 2 if sparsity == 0.5 else 2 * 2 * 9
    assert zeros(model) == {**FULL, "hidden": hidden}
    total = sum(before[name].size for name in ("fine", "conv", "hidden"))
    expected = (FULL["fine"] + FULL["conv"] + hidden) / total
    assert history["sparsity"] == pytest.approx([expected] * 2)
    for name, kernel in kernels(model).items():
        assert not np.any(np.signbit(kernel) & (kernel == 0)), "-0 does not compress"
        # Units of `hidden` that no image reaches move neither its kernel nor the head's.
        assert np.mean(kernel != before[name]) > 0.3, "a layer did not train"


def test_only_what_was_smallest_is_zero():
    """All at once, in an epoch that moves no weight."""
    model = network()
    before = kernels(model)["conv"]
    fit(model, MagnitudePruning(0.3), epochs=1, optimizer=keras.optimizers.SGD(0.0))
    after = kernels(model)["conv"]
    smallest = np.argsort(np.abs(before), axis=None)[: round(0.3 * before.size)]
    expected = before.copy()
    expected.flat[smallest] = 0
    np.testing.assert_array_equal(after, expected)


def test_the_ramp_rises_as_its_formula():
    model = network()
    pruning = MagnitudePruning(0.5, begin_epoch=1, end_epoch=3, where=["conv"])
    sparsity = fit(model, pruning, epochs=5).history["sparsity"]
    size = kernels(model)["conv"].size
    shares = [0, 1 - (2 / 3) ** 3, 1 - (1 / 3) ** 3, 1, 1]
    assert sparsity == pytest.approx([round(0.5 * share * size) / size for share in shares])


def test_zeros_survive_saving_and_a_new_callback(tmp_path):
    model = network()
    fit(model, MagnitudePruning(0.5, where=["conv", "fine"]))
    model.save(tmp_path / "pruned.keras")
    resumed = keras.saving.load_model(tmp_path / "pruned.keras")
    before = kernels(resumed)
    # A ramp from the beginning, which alone would let nearly all of them grow again.
    fit(resumed, MagnitudePruning(0.5, end_epoch=9, where=["conv", "fine"]))
    for name in ("conv", "fine"):
        np.testing.assert_array_equal(kernels(resumed)[name] == 0, before[name] == 0)
        assert not np.array_equal(kernels(resumed)[name], before[name])


def test_an_optimizers_moving_average_does_not_bring_weights_back():
    model = network()
    optimizer = keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5)
    fit(model, MagnitudePruning(0.5, begin_epoch=1), optimizer=optimizer)
    assert zeros(model)["conv"] == FULL["conv"]


def test_a_kernel_of_zeros_can_still_train():
    model = network()
    model.get_layer("conv").kernel.assign(np.zeros((3, 3, 12, 10)))
    fit(model, MagnitudePruning(0.5, end_epoch=5), epochs=2)
    assert 0 < zeros(model)["conv"] < FULL["conv"]


def test_folding_keeps_the_zeros_and_makes_no_others():
    model = network()
    fit(model, MagnitudePruning("2:4"))
    # BatchNormalization must scale and FBN's groups must differ, or this shows nothing.
    assert np.ptp(ops.convert_to_numpy(model.get_layer("fine").moving_variance)) > 0.1
    fused = keras_finet.fuse(model)
    assert "norm" not in [layer.name for layer in fused.layers]
    for name, kernel in kernels(fused).items():
        np.testing.assert_array_equal(kernel == 0, kernels(model)[name] == 0, err_msg=name)


def test_layers_of_nested_models_are_pruned():
    image = keras.Input((8, 8, 3))
    inner = network("inner")
    model = keras.Model(image, layers.Dense(5, name="top")(inner(image)))
    pruning = MagnitudePruning(0.5, where=["inner/conv", "inner/head"])
    fit(model, pruning, epochs=1)
    found = zeros(inner)
    assert (found["conv"], found["head"], found["fine"]) == (FULL["conv"], round(9 * 5 / 2), 0)


def test_the_plan_lists_every_layer_with_a_reason():
    model = network()
    model.get_layer("hidden").trainable = False
    plan = MagnitudePruning().plan(model)
    assert {d.layer: d.action for d in plan.decisions} == {
        "stem": "keep",
        "fine": "prune",
        "conv": "prune",
        "hidden": "keep",
        "head": "keep",
    }
    text = str(plan)
    for piece in ("frozen", "the first or the last layer", "(3, 3, 12, 10)"):
        assert piece in text


def test_where_selects():
    model = network()
    pruned = MagnitudePruning(where=lambda layer: layer.name in ("stem", "head")).plan(model)
    assert [d.layer for d in pruned.decisions if d.action == "prune"] == ["stem", "head"]


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"where": ["conw"]}, r"name layers of 'net'. Received: 'conw', .* mean \['conv'"),
        ({"where": ["depthwise"]}, "'depthwise', which is none of them"),
        ({"where": lambda layer: False}, "Expected layers to prune in 'net'. Received none"),
    ],
)
def test_a_training_without_what_to_prune_does_not_begin(arguments, fragment):
    with pytest.raises(ValueError, match=fragment):
        fit(network(), MagnitudePruning(**arguments))


@pytest.mark.parametrize(
    "epochs", [{"begin_epoch": -1}, {"begin_epoch": 2, "end_epoch": 1}, {"end_epoch": 0.5}]
)
def test_epochs_that_make_no_ramp_are_refused(epochs):
    with pytest.raises(ValueError, match="0 <= begin_epoch <= end_epoch"):
        MagnitudePruning(**epochs)
