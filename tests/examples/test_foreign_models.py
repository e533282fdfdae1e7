"""Conversion of models that others built: keras.applications with random statistics."""

import json

import keras
import numpy as np
import pytest
from foreign_files import model_and_images
from random_models import random_images
from support.examples import assert_refused, run_example

import keras_finet
from tflite_tools.graph_spec import build, describe


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    process = run_example("foreign_models", "--smoke", "--json", "--out", folder)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout), sorted(path.name for path in folder.glob("*.tflite"))


def test_files_of_mobilenet_v3_large_and_how_far_they_are(smoke):
    """It rescales pixels by itself, and has SE blocks, hard-swish and 46 normalizations."""
    rows, files = smoke
    assert [row["precision"] for row in rows] == ["float32", "float16", "dynamic_int8", "int8"]
    float32, float16, dynamic, int8 = rows
    assert all(row["folded"] == "46 of 46" for row in rows)
    assert (float32["agreement"], float16["agreement"]) == (1, 1)
    assert float32["relative_error"] < 1e-4
    assert 1e-4 < float16["relative_error"] < 0.05
    assert 1e-2 < dynamic["relative_error"] < 0.5
    assert dynamic["agreement"] >= 0.7
    assert int8["agreement"] >= 0.5  # ten classes, of an untrained network
    assert int8["mebibytes"] < 0.3 * float32["mebibytes"]
    assert len({row["ops"] for row in rows}) == 1
    assert files == [
        f"MobileNetV3Large_{row['precision']}.tflite"
        for row in sorted(rows, key=lambda row: row["precision"])
    ]


@pytest.mark.parametrize("name", ["EfficientNetV2B0", "DenseNet121"])
def test_the_description_of_the_fused_model_computes_the_same(name):
    """Its own rescaling and normalization of pixels, and five hundred layers."""
    model, images = model_and_images(name, 64, 32)
    images = images[:4]
    spec = describe(keras_finet.fuse(model))
    assert not any(node.class_name == "BatchNormalization" for node in spec.nodes) or (
        name == "DenseNet121"  # whose normalizations stand before the convolutions
    )
    expected, actual = model(images), build(spec, batch_size=4)(images)
    expected, actual = (keras.ops.convert_to_numpy(each) for each in (expected, actual))
    assert np.abs(actual - expected).max() <= 1e-4 * np.abs(expected).max()


def test_random_images_fill_the_range_and_differ():
    images = random_images(20, 40)
    assert images.shape == (20, 40, 40, 3)
    assert 0 <= images.min() < 60
    assert 195 < images.max() <= 255
    assert np.abs(images[0] - images[1]).mean() > 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--side", "8"], "expected a whole number from 32 to 600, got 8"),
        (["--models", "VGG16"], "invalid choice: 'VGG16'"),
    ],
)
def test_mistakes(arguments, message):
    assert_refused(run_example("foreign_models", *arguments), "foreign_models", message)
