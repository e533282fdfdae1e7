"""Models with hostile statistics and their converted files, made once for all tests."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from support.hostile import randomize

import tflite_tools
from keras_finet import FineGrainedBatchNorm
from tflite_tools import convert

# A shell that starts the tests in the background ignores Ctrl-C for them and for what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

PRECISIONS = ("float32", "float16", "int8")
SHAPE = (16, 16, 3)


def _small_classifier(shape=SHAPE, name="small", dtype=None):
    layers = keras.layers
    image = keras.Input(shape, name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, dtype=dtype)(image)
    x = layers.BatchNormalization(dtype=dtype)(x)
    x = skip = layers.ReLU(dtype=dtype)(x)
    x = FineGrainedBatchNorm(8, 1, groups=4, activation="relu", dtype=dtype)(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, dtype=dtype)(x)
    x = layers.BatchNormalization(dtype=dtype)(x)
    x = layers.Add(dtype=dtype)([skip, x])
    x = layers.GlobalAveragePooling2D(dtype=dtype)(x)
    x = layers.Dropout(0.2, dtype=dtype)(x)
    x = layers.Dense(5, activation="softmax", dtype=dtype)(x)
    return keras.Model(image, x, name=name)


def _samples():
    """Images that differ in more than noise, so that pooled features and classes differ too."""
    rng = np.random.default_rng(2)
    images = rng.normal(scale=0.5, size=(50, *SHAPE)) + rng.normal(scale=2, size=(50, 1, 1, 3))
    return images.astype("float32")


def _answer(model):
    return keras.ops.convert_to_numpy(model(_samples(), training=False))


def _balance(model):
    """Spreads the samples over all classes: else every agreement would be 100 %."""
    head = model.layers[-1]
    features = _answer(keras.Model(model.input, head.input))
    features = features.astype("float64")
    kernel = np.random.default_rng(3).normal(size=(features.shape[1], 5))
    kernel /= np.sqrt(features.var(0).mean())
    head.set_weights([kernel, -features.mean(0) @ kernel])
    return model


@pytest.fixture(scope="session")
def small_classifier():
    """Function that builds a small model with every kind of layer that fuses."""

    def build(**arguments):
        model = _small_classifier(**arguments)
        randomize(model, seed=7)
        return _balance(model)

    return build


@pytest.fixture(scope="session")
def model(small_classifier):
    return small_classifier()


@pytest.fixture(scope="session")
def samples():
    return _samples()


@pytest.fixture(scope="session")
def expected(model):
    """The Keras model's outputs."""
    outputs = _answer(model)
    assert np.bincount(outputs.argmax(-1), minlength=5).min() >= 5
    return outputs


@pytest.fixture(scope="session")
def report(model, samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("converted")
    return convert(model, folder, precisions=PRECISIONS, calibration=samples)


@pytest.fixture(scope="session")
def files(report):
    """The converted files by precision."""
    return {record.precision: record.file for record in report.records}


@pytest.fixture(scope="session")
def batch_of_four(model, samples, tmp_path_factory):
    """Files of float32 and int8 that take four samples at once."""
    folder = tmp_path_factory.mktemp("batch")
    converted = convert(
        model, folder, precisions=["float32", "int8"], batch_size=4, calibration=samples[:10]
    )
    return [record.file for record in converted.records]


@pytest.fixture(scope="session")
def keras_file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "saved.keras"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def truncated_keras_file(keras_file, tmp_path_factory):
    content = keras_file.read_bytes()
    path = tmp_path_factory.mktemp("truncated") / "truncated.keras"
    path.write_bytes(content[: len(content) // 2])
    return path


@pytest.fixture(scope="session")
def flex_file(tmp_path_factory):
    """What others' converters write for a mixed-precision model: a file that needs Flex."""
    import tensorflow as tf

    from tflite_tools.quiet import silenced

    image = keras.Input((4, 4, 1), batch_size=1)
    half = keras.Model(image, keras.layers.Conv2D(1, 1, dtype="mixed_float16")(image))
    with silenced():
        converter = tf.lite.TFLiteConverter.from_keras_model(half)
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS,
            tf.lite.OpsSet.SELECT_TF_OPS,
        ]
        content = converter.convert()
    path = tmp_path_factory.mktemp("flex") / "flex.tflite"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="session")
def run_python():
    """Function that runs Python with the packages under test in a process of its own."""
    root = str(Path(tflite_tools.__file__).parents[1])
    # What decides on noise must be the tool, not the developer's settings.
    ours = ("TF_", "KERAS_", "PYTHON")

    def run(*arguments, env=None, **options):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            env={**inherited, "PYTHONPATH": root, **(env or {})},
            text=True,
            timeout=120,
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    return run


@pytest.fixture(scope="session")
def run_cli(run_python):
    """Function that runs `tflite-tools` with some arguments."""

    def run(*arguments, **options):
        return run_python("-m", "tflite_tools", *arguments, **options)

    return run
