"""Backbones: `features=` on every builder."""

import keras
import numpy as np
import pytest
from descriptors import BUILDERS
from keras import ops
from support.hostile import randomize

import keras_finet

IMAGES = np.random.default_rng(0).normal(size=(2, 64, 96, 3)).astype("float32")


def in_order(names):
    """The keys of an output dictionary: Keras sorts them on torch."""
    return sorted(names) if keras.backend.backend() == "torch" else list(names)


def arrays(model, images=IMAGES):
    return {name: ops.convert_to_numpy(array) for name, array in model(images).items()}


@pytest.mark.parametrize("each", BUILDERS, ids=str)
def test_feature_maps_have_their_strides(each):
    model = each.build(features=tuple(each.strides))
    assert model.input_shape == (None, None, None, 3)
    shapes = {name: array.shape[1:3] for name, array in arrays(model).items()}
    expected = {name: (64 // stride, 96 // stride) for name, stride in each.strides.items()}
    assert shapes == expected
    assert list(shapes) == in_order(each.strides)


@pytest.mark.parametrize("each", BUILDERS, ids=str)
def test_feature_maps_are_the_classifiers_own(each, tmp_path):
    """A whole model's weights in a backbone of some maps, in another order."""
    *_, before_last, last = each.strides
    whole = each.build(include_top=False)
    randomize(whole)
    whole.save_weights(tmp_path / "whole.weights.h5")
    backbone = each.build(features=[last, before_last], weights=tmp_path / "whole.weights.h5")
    maps = arrays(backbone)
    assert list(maps) == in_order([last, before_last])
    np.testing.assert_array_equal(maps[last], ops.convert_to_numpy(whole(IMAGES)))


def test_only_the_needed_layers_are_there():
    names = {layer.name for layer in keras_finet.FinetSmall(features=("stage3",)).layers}
    assert "stage3_block8_relu" in names
    assert not any(name.startswith(("stage4", "conv5", "fc1", "predictions")) for name in names)


def test_include_top_is_not_consulted():
    tops = [keras_finet.FinetSmall(top, features=("stage2",)) for top in (True, False)]
    assert [list(model.output) for model in tops] == [["stage2"], ["stage2"]]
    assert len(tops[0].layers) == len(tops[1].layers)


def test_a_backbone_can_be_saved_and_fused(tmp_path):
    names = ("conv5", "stage2", "stage4")
    model = keras_finet.FinetSmall(features=names)
    randomize(model)
    model.save(tmp_path / "backbone.keras")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    fused = keras_finet.fuse(loaded)
    expected, actual, deployed = arrays(model), arrays(loaded), arrays(fused)
    assert list(expected) == list(actual) == list(deployed) == in_order(names)
    for name in names:
        np.testing.assert_array_equal(actual[name], expected[name])
        scale = np.abs(expected[name]).max()
        assert np.abs(deployed[name] - expected[name]).max() < 1e-4 * scale
    assert not any(isinstance(layer, keras_finet.FineGrainedBatchNorm) for layer in fused.layers)
    report = keras_finet.verify_fusion(model, fused, IMAGES)
    assert report.passed
    randomize(fused, seed=1)
    assert not keras_finet.verify_fusion(model, fused, IMAGES).passed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": ()}, r"a tuple of names .* Received: \(\)"),
        ({"features": "conv5"}, r"such as `features=\(\"conv5\",\)`. Received: 'conv5'"),
        ({"features": (["conv5"],)}, r"a tuple of names .* Received: \(\['conv5'\],\)"),
        ({"features": b"conv5"}, "a tuple of names .* Received: b'conv5'"),
        ({"features": {"conv5"}}, "a tuple of names of feature maps"),
        ({"features": ("conv5", "stage9")}, "'stage4', 'conv5'.*no 'stage9'"),
        ({"features": ("conv5", "conv5")}, "every name in `features` once"),
        ({"features": ("conv5",), "pooling": "avg"}, "either `features` or `pooling`"),
    ],
    ids=str,
)
def test_bad_features_say_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_finet.FinetSmall(**arguments)
