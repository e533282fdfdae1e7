"""Published architectures: convert, compute the same, fuse back to the same model, train a step."""

import keras
import numpy as np
import pytest
from support.hostile import randomize
from support.models import assert_same_outputs, images, kinds

import keras_finet

# Input size, number of pairs that become one layer with four groups, number of layers that stay.
# MobileNetV2: 17 blocks with an expansion and a projection, but the first without an expansion, and
# the last convolution; the stem with its 3 channels stays, and 17 depthwise convolutions.
NETS = {
    "MobileNetV2": (32, 34, 18),
    "MobileNetV3Large": (32, 30, 34),
    "EfficientNetV2B0": (32, 42, 49),
    "ResNet50": (32, 52, 1),
    "DenseNet121": (32, 58, 124),
    "Xception": (71, 5, 35),
}


def build(name, side):
    builder = getattr(keras.applications, name)
    return builder(
        weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None
    )


@pytest.mark.parametrize("name", NETS)
def test_converts_and_fuses_back(name):
    side, converted, kept = NETS[name]
    model = build(name, side)
    randomize(model)
    has_preprocessing = any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)
    batch = images(2, side, side, 3) * (100.0 if has_preprocessing else 1.0)
    plan = keras_finet.plan_fine_grain(model, groups=4)
    assert [decision.action for decision in plan.decisions].count("convert") == converted
    assert len(plan.refusals) == kept
    fine = keras_finet.fine_grain(model, groups=4)
    assert_same_outputs(model, fine, batch)
    fused, direct = keras_finet.fuse(fine), keras_finet.fuse(model)
    assert kinds(fused) == kinds(direct)
    # Random layers wash the input out: outputs alone would say little of the first ones.
    for layer in direct.layers:
        found = fused.get_layer(layer.name).get_weights()
        for expected, actual in zip(layer.get_weights(), found, strict=True):
            scale = np.max(np.abs(expected))
            assert np.max(np.abs(actual - expected)) <= 1e-5 * scale, layer.name
    report = keras_finet.verify_fusion(fine, fused, batch, tolerance=1e-5)
    assert report.passed, report


def test_trains_a_step_and_verifies_then():
    # Untrained weights: one step on hostile ones drives ReLU6 layers thousands of times beyond 6.
    fine = keras_finet.fine_grain(build("MobileNetV2", 64), groups=4)
    batch = images(2, 64, 64, 3)
    before = fine.get_layer("block_5_project").get_weights()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fine.compile("sgd", loss, jit_compile=False)
    fine.fit(batch, np.array([1, 2]), batch_size=2, verbose=0)
    assert all(np.all(np.isfinite(array)) for array in fine.get_weights())
    after = fine.get_layer("block_5_project").get_weights()
    assert not any(map(np.array_equal, before[:2], after[:2]))
    report = keras_finet.verify_fusion(fine, keras_finet.fuse(fine), batch, tolerance=1e-5)
    assert report.passed, report
