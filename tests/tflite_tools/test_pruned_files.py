"""A pruned model's zeros are in its files: those positions, in float32 and in int8."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers
from support.hostile import randomize

from keras_finet import FineGrainedBatchNorm, MagnitudePruning
from tflite_tools import convert

SIZE = (8, 8, 4)
LAYERS = ("fine", "conv", "hidden")


@pytest.fixture(scope="module")
def data():
    images = np.random.default_rng(0).normal(size=(16, *SIZE)).astype("float32")
    return images, np.arange(16) % 5


@pytest.fixture(scope="module", params=[0.5, "2:4"], ids=str)
def pruned(request, data):
    image = keras.Input(SIZE)
    x = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    x = FineGrainedBatchNorm(12, 1, groups=4, activation="relu", name="fine")(x)
    x = layers.Conv2D(16, 3, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(8, activation="relu", name="hidden")(x)
    model = keras.Model(image, layers.Dense(5, name="head")(x), name="pruned")
    randomize(model)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    model.fit(*data, batch_size=8, callbacks=[MagnitudePruning(request.param)], verbose=0)
    return model


def weights_by_size(path):
    """The constant tensors with more than one axis, by their number of weights."""
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    found = {}
    for details in interpreter.get_tensor_details():
        try:
            tensor = interpreter.get_tensor(details["index"])
        except ValueError:  # holds no data until the model runs
            continue
        if tensor.ndim > 1:
            found[tensor.size] = tensor
    return found


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_zeros_are_in_the_file(pruned, data, precision, tmp_path):
    report = convert(pruned, tmp_path, precisions=[precision], calibration=data[0])
    weights = weights_by_size(report.records[0].file)
    for name in LAYERS:
        kernel = np.asarray(pruned.get_layer(name).kernel.numpy())
        # Keras (height, width, in, out) → TFLite (out, height, width, in).
        in_file = np.moveaxis(weights[kernel.size], 0, -1).reshape(kernel.shape)
        zero = kernel == 0
        assert np.count_nonzero(zero) == kernel.size // 2
        assert not in_file[zero].any()
        if precision == "float32":
            assert in_file[~zero].all()
        else:  # weights far below their filter's largest round to zero too
            assert np.mean(in_file[~zero] != 0) > 0.95
