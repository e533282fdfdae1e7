"""A small classifier that int8 costs accuracy, and what training makes of it, made once."""

import keras
import numpy as np
import pytest
from keras import layers

import tflite_tools
from keras_finet import FineGrainedBatchNorm

SIZE = (16, 16, 3)
CLASSES = 4


def _images(count, seed):
    """Stripes of four kinds in noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    rows, columns = np.mgrid[:16, :16]
    patterns = np.stack([rows % 4 < 2, columns % 4 < 2, (rows + columns) % 4 < 2, rows % 2 < 1])
    images = patterns[labels][..., None] + rng.normal(scale=0.8, size=(count, *SIZE))
    return images.astype("float32"), labels


@pytest.fixture(scope="session")
def train_set():
    return _images(192, seed=0)


@pytest.fixture(scope="session")
def held_back():
    return _images(96, seed=1)


@pytest.fixture(scope="session")
def trained_model(train_set):
    """With every kind of layer that matters: FBN, depthwise, squeeze-excite, a sum."""
    keras.utils.set_random_seed(0)
    image = keras.Input(SIZE, name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = skip = layers.ReLU(name="relu")(layers.BatchNormalization()(x))
    x = FineGrainedBatchNorm(12, 1, groups=4, activation="relu", momentum=0.9, name="wide")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = FineGrainedBatchNorm(8, 1, groups=4, momentum=0.9)(x)
    excite = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(skip)
    excite = layers.Conv2D(8, 1, activation="sigmoid", name="excite")(excite)
    x = layers.Add(name="sum")([skip, layers.Multiply(name="scaled")([x, excite])])
    x = layers.Activation("relu", name="sum_relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x), name="striped")
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(*train_set, batch_size=32, epochs=8, verbose=0)
    _unbalance(model.get_layer("wide"), model.get_layer("depthwise"))
    # Sharper answers, so that what rounding does to the scores shows in the probabilities.
    head = model.layers[-1]
    head.set_weights([8 * weights for weights in head.get_weights()])
    return model


def _unbalance(fine, depthwise, factor=150.0):
    """The same function in float, but one channel takes nearly all of an int8 tensor's range."""
    gamma, beta = fine.gamma.numpy(), fine.beta.numpy()
    gamma[:, 0] *= factor
    beta[:, 0] *= factor
    fine.gamma.assign(gamma)
    fine.beta.assign(beta)
    kernel = depthwise.kernel.numpy()
    kernel[:, :, 0] /= factor
    depthwise.kernel.assign(kernel)


@pytest.fixture(scope="session")
def epochs_seen():
    return []


@pytest.fixture(scope="session")
def report(trained_model, train_set, held_back, tmp_path_factory, epochs_seen):
    return tflite_tools.qat(
        trained_model,
        tmp_path_factory.mktemp("qat"),
        *train_set,
        validation=held_back,
        epochs=3,
        learning_rate=1e-3,
        seed=3,
        on_epoch=epochs_seen.append,
    )
