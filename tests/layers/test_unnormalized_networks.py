"""Small trained networks of each scheme without normalisations: `fuse` folds all of it."""

import keras
import pytest
from support.unnormalized import mimic_norm, normalizer_free, shifted_relu, trained

import keras_finet

# What is left of each, but for the input and the pool.
LEFT = {
    # Three times 1 off; on again only where a shortcut stands beside.
    shifted_relu: {
        "Conv2D": 3,
        "DepthwiseConv2D": 1,
        "ReLU": 3,
        "Rescaling": 4,
        "Add": 1,
        "BatchNorm": 1,
    },
    mimic_norm: {"Conv2D": 3, "DepthwiseConv2D": 1, "Add": 1, "ReLU": 1, "Dense": 1},
    # The offsets that follow the sums have become biases.
    normalizer_free: {
        "Conv2D": 3,
        "Rescaling": 4,
        "Functional": 2,
        "Add": 2,
        "PReLU": 2,
        "Dense": 1,
    },
}


@pytest.fixture(params=LEFT, ids=lambda each: each.__name__)
def network(request):
    data_format = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    yield request.param
    keras.config.set_image_data_format(data_format)


def test_all_of_a_trained_network_folds(network):
    model, images = trained(network)
    plan = keras_finet.plan_fusion(model)
    fused = keras_finet.fuse(model)
    kinds = [
        type(layer).__name__.replace("BatchNormalization", "BatchNorm") for layer in fused.layers
    ]
    left = {kind: kinds.count(kind) for kind in LEFT[network]}
    assert left == LEFT[network], plan
    assert len(fused.layers) == sum(left.values()) + 2
    report = keras_finet.verify_fusion(model, fused, images, tolerance=1e-5)
    assert report.passed, report
