"""Models of keras.applications as .tflite files, compared with the Keras models."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import keras
import numpy as np
from random_models import random_images, randomize_statistics

import keras_finet
import tflite_tools
from tflite_tools.flatbuffer import op_histogram
from tflite_tools.interpreter import LiteModel
from tflite_tools.prediction import predict
from tflite_tools.quiet import silenced

# The builder, and the module whose preprocess_input it needs if it does not scale pixels itself.
MODELS = {
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Large": None,
    "EfficientNetV2B0": None,
    "ResNet50": "resnet",
    "DenseNet121": "densenet",
}
PRECISIONS = ("float32", "float16", "dynamic_int8", "int8")
CALIBRATION = 64


@dataclasses.dataclass(frozen=True)
class Row:
    """How one file of one model did.

    Attributes:
        model: The builder's name.
        precision: That of the file.
        agreement: The share of samples on which it chooses the Keras model's class.
        relative_error: The mean over the samples of the distance between the two vectors of
            outputs, relative to the length of the deviation of the Keras model's from their mean.
        mebibytes: The file's size.
        ops: How many operators it has, without those that unpack weights.
        folded: How many normalizations the fusion folded, of how many.
    """

    model: str
    precision: str
    agreement: float
    relative_error: float
    mebibytes: float
    ops: int
    folded: str


def rows(name: str, side: int, samples: int, folder: Path, *, baseline: bool) -> list[Row]:
    """Builds a model, converts it in every precision and evaluates the files.

    Args:
        name: A key of `MODELS`.
        side: The height and width of the images.
        samples: How many images to evaluate on; they are not those of the calibration.
        folder: Where the files go.
        baseline: Whether TensorFlow's converter makes an int8 file of the model by itself too.
    """
    model, images = model_and_images(name, side, CALIBRATION + samples)
    calibration, images = images[:CALIBRATION], images[CALIBRATION:]
    report = tflite_tools.convert(
        model, folder, precisions=PRECISIONS, calibration=calibration, name=name
    )
    files = {record.precision: record.file for record in report.records}
    if baseline:
        files["int8, bare converter"] = bare_int8(
            model, calibration, folder / f"{name}_bare.tflite"
        )
    expected = model.predict(images, batch_size=16, verbose=0)
    folded = folded_share(model)
    return [
        Row(name, precision, *compared(file, images, expected), *size_and_ops(file), folded)
        for precision, file in files.items()
    ]


def model_and_images(name: str, side: int, count: int) -> tuple[keras.Model, np.ndarray]:
    """A model with random weights and statistics, and images as it takes them."""
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None
    )
    images = random_images(count, side)
    if MODELS[name] is not None:
        module = importlib.import_module(f"keras.applications.{MODELS[name]}")
        images = module.preprocess_input(images)
    randomize_statistics(model, images[:CALIBRATION])
    return model, images


def bare_int8(model: keras.Model, calibration: np.ndarray, file: Path) -> Path:
    """What TensorFlow's converter makes of the model, not fused, on the same samples."""
    with silenced():
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        file.write_bytes(converter.convert())
    return file


def compared(file: Path, images: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The agreement with the expected outputs, and the error relative to their deviation."""
    outputs = predict(LiteModel(file), images)
    deviation = np.linalg.norm(expected - expected.mean(axis=0), axis=1)
    error = np.linalg.norm(outputs - expected, axis=1) / deviation
    agreement = np.mean(outputs.argmax(-1) == expected.argmax(-1))
    return float(agreement), float(error.mean())


def size_and_ops(file: Path) -> tuple[float, int]:
    content = file.read_bytes()
    ops = op_histogram(content)
    return len(content) / 2**20, sum(count for op, count in ops.items() if op != "DEQUANTIZE")


def folded_share(model: keras.Model) -> str:
    """How many normalizations fold into a convolution, of how many."""
    actions = [each.action for each in keras_finet.plan_fusion(model).decisions]
    folds = actions.count("fold")
    return f"{folds} of {folds + actions.count('keep')}"
