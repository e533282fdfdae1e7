"""The constructions that are compared compute the same thing where they should."""

import keras
import numpy as np
import pytest
from keras.backend import backend
from support import training
from support.hostile import randomize
from training_cost import variants
from training_cost.plan import SMOKE_NETWORK

from keras_finet import FineGrainedBatchNorm

SIDE = 12


def images(seed=0):
    return np.random.default_rng(seed).normal(size=(8, SIDE, SIDE, 3)).astype("float32")


def as_array(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def fine_layers(model):
    return [layer for layer in model.layers if isinstance(layer, FineGrainedBatchNorm)]


def grouped_kernel(kernel, groups):
    """A fine-grained layer's kernel as that of a grouped convolution with all partial sums."""
    return np.concatenate(np.split(kernel, groups, axis=2), axis=3)


def pair(variant, groups):
    """A network with hostile weights, and a variant of it that has been given the same."""
    keras.utils.set_random_seed(0)
    fine = variants.fine_grained(SMOKE_NETWORK, SIDE, groups)
    randomize(fine)
    other = variants.replaced(fine, variants.CONSTRUCTIONS[variant].replace)
    for layer in fine.layers:
        if not layer.weights:
            continue
        if variant == "direct" or not isinstance(layer, FineGrainedBatchNorm):
            other.get_layer(layer.name).set_weights(layer.get_weights())
            continue
        kernel, *statistics = layer.get_weights()
        conv = other.get_layer(layer.name)
        conv.set_weights([grouped_kernel(kernel, groups)])
        normalization = other.get_layer(f"{layer.name}_bn")
        normalization.set_weights([weight.reshape(-1) for weight in statistics])
    return fine, other


@pytest.mark.parametrize(
    ("variant", "groups"), [("bn", 1), ("fused", 1), ("direct", 4), ("paper", 4)]
)
def test_a_variant_computes_what_the_fine_grained_network_does(variant, groups):
    if variant == "fused" and backend() == "jax":
        pytest.skip("JAX has no such kernel")
    fine, other = pair(variant, groups)
    upstream = np.random.default_rng(1).normal(size=(8, 10))
    inferred = [as_array(model(images(), training=False)) for model in (fine, other)]
    assert training.relative_error(*inferred) < 1e-5
    expected, actual = (training.step(model, images(), upstream) for model in (fine, other))
    assert training.relative_error(actual[0], expected[0]) < 1e-4
    assert training.relative_error(actual[1], expected[1]) < 1e-4
    for layer in fine_layers(fine):
        name = layer.name if variant == "direct" else f"{layer.name}_bn"
        moved = other.get_layer(name)
        mean, variance = as_array(layer.moving_mean), as_array(layer.moving_variance)
        np.testing.assert_allclose(
            as_array(moved.moving_mean).reshape(mean.shape), mean, rtol=1e-4, atol=1e-5
        )
        # The frameworks' kernels hand out the unbiased variance: n / (n - 1), here n >= 72.
        np.testing.assert_allclose(
            as_array(moved.moving_variance).reshape(mean.shape),
            variance,
            rtol=0.015 if variant == "fused" else 1e-4,
        )


def test_without_normalisation_are_convolutions_with_bias():
    """In inference the fine-grained network is just that, once folded (equation 9)."""
    fine = variants.fine_grained(SMOKE_NETWORK, SIDE, 1)
    randomize(fine)
    plain = variants.replaced(fine, variants.not_normalized)
    for layer in (layer for layer in fine.layers if layer.weights):
        weights = layer.fold() if hasattr(layer, "fold") else layer.get_weights()
        plain.get_layer(layer.name).set_weights(list(weights))

    expected = as_array(fine(images(), training=False))
    assert training.relative_error(as_array(plain(images(), training=True)), expected) < 1e-5


def test_a_kernel_that_cannot_be_grouped_is_refused():
    fine = variants.fine_grained(SMOKE_NETWORK, SIDE, 5)
    with pytest.raises(ValueError, match=r"cannot split the 16 channels .* into 5 groups"):
        variants.replaced(fine, variants.fine_grained_as_in_the_paper)


@pytest.mark.parametrize(
    ("network", "variant", "side", "parameters"),
    [
        # The paper's Table 2: 2.388 M with G=1 and 2.402 M with G=4.
        ("FinetSmall", "bn", 32, 2_388_268),
        ("FinetSmall", "paper", 32, 2_402_308),
        # As others count the CIFAR ResNet18 for 10 classes.
        ("ResNet18", "bn", 32, 11_173_962),
    ],
)
def test_networks(network, variant, side, parameters):
    model = variants.build(network, variant, side)
    assert not fine_layers(model)
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == parameters


def test_only_fine_grained_layers_are_replaced():
    fine = variants.fine_grained("FinetSmall", 32, 4)
    names = {layer.name for layer in fine.layers if layer.weights}
    direct = variants.replaced(fine, variants.fine_grained_directly)

    assert {layer.statistics for layer in fine_layers(direct)} == {"direct"}
    assert names <= {layer.name for layer in direct.layers}
    assert len(fine_layers(direct)) == len(fine_layers(fine)) == 32


@pytest.mark.parametrize("variant", ["shifted_relu", "mimic_norm", "normalizer_free"])
def test_schemes_are_trained_as_their_builders_make_them(variant):
    model = variants.build("FinetSmall", variant, 32)
    assert not fine_layers(model)
    kinds = {type(layer).__name__ for layer in model.layers}
    own = {
        "shifted_relu": {"SignConv2D"},
        "mimic_norm": {"BranchScale"},
        "normalizer_free": {"BranchScale", "StandardizedConv2D"},
    }
    assert kinds & set.union(*own.values()) == own[variant]
    with pytest.raises(variants.NotAvailable, match="two layers have batch normalisation only"):
        variants.build(SMOKE_NETWORK, variant, SIDE)


def test_what_a_framework_lacks_is_told_from_a_failure(monkeypatch):
    monkeypatch.setattr(variants.framework(), "fused_batch_norm", None)
    with pytest.raises(variants.NotAvailable, match="has no fused batch normalisation kernel"):
        variants.build(SMOKE_NETWORK, "fused", SIDE)
