"""Parameters and MACs against hand counts."""

import keras
import pytest
from keras import layers

import keras_finet


def test_every_kind_of_layer_by_hand():
    inputs = keras.Input((10, 12, 6))
    x = layers.Conv2D(8, (3, 2), strides=2, groups=2, name="grouped")(inputs)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise")(x)
    x = keras_finet.FineGrainedBatchNorm(5, 1, groups=4, name="fine")(x)
    x = layers.Dense(3, name="per_pixel")(x)
    x = layers.Flatten()(x)
    report = keras_finet.complexity(keras.Model(inputs, layers.Dense(7, name="top")(x)))
    rows = {row.layer: (row.parameters, row.non_trainable, row.macs) for row in report.layers}
    pixels = 4 * 6
    assert rows == {
        "grouped": (3 * 2 * 3 * 8 + 8, 0, pixels * 3 * 2 * 3 * 8),
        "depthwise": (9 * 16 + 16, 0, pixels * 9 * 16),
        "fine": (16 * 5 + 2 * 4 * 5, 2 * 4 * 5, pixels * 16 * 5),
        "per_pixel": (5 * 3 + 3, 0, pixels * 5 * 3),
        "top": (pixels * 3 * 7 + 7, 0, pixels * 3 * 7),
    }
    assert report.classifier == "top"
    assert report.macs - report.paper_macs == pixels * 3 * 7
    assert report.total_parameters == report.parameters + 40


def test_shared_layers_count_parameters_once_and_macs_for_every_call():
    block = keras.Sequential(
        [keras.Input((4, 4, 3)), layers.Conv2D(3, 1, name="conv")], name="block"
    )
    inputs = keras.Input((4, 4, 3))
    conv = layers.Conv2D(3, 1, name="outer")
    report = keras_finet.complexity(keras.Model(inputs, conv(conv(block(block(block(inputs)))))))
    rows = {row.layer: (row.parameters, row.macs) for row in report.layers}
    assert rows == {"block/conv": (12, 3 * 16 * 9), "outer": (12, 2 * 16 * 9)}
    assert report.classifier is None


def test_keras_applications_mobilenet_is_the_published_300_million():
    report = keras_finet.complexity(keras.applications.MobileNetV2(weights=None))
    assert report.total_parameters == 3_538_984
    assert round(report.macs / 1e6, 1) == 300.8


def test_layers_that_are_not_counted_are_named():
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2DTranspose(3, 2, name="up")(inputs)
    report = keras_finet.complexity(keras.Model(inputs, layers.BatchNormalization()(x)))
    assert report.uncounted == ("up",)
    assert "not known for their class: up" in str(report)


def test_unknown_image_size_is_an_error():
    with pytest.raises(ValueError, match=r"known image size.*layer 'conv1'"):
        keras_finet.complexity(keras_finet.FinetSmall(include_top=False))


def test_prints_a_table():
    text = str(keras_finet.complexity(keras_finet.FinetSmall()))
    assert "finet_small: 2,823,668 trainable parameters, 43,058,848 MACs" in text
    assert "in full: 2,856,892 parameters, 44,082,848 MACs" in text
    assert text.splitlines()[4].split()[:3] == ["conv1", "Conv2D", "(112,"]
