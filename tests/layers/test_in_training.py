"""The layer inside what surrounds it in practice."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras.backend import backend
from support import training

from keras_finet.layers import FineGrainedBatchNorm


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def as_array(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.fine = FineGrainedBatchNorm(4, 3, groups=2)
        self.point = FineGrainedBatchNorm(4, 1, groups=2)
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(4)

    def call(self, inputs, training=None):
        x = self.fine(inputs, training=training)
        return self.head(self.pool(self.point(x, training=training)))


def frozen_weights(model):
    return [as_array(weight) for weight in model.fine.weights + model.point.weights]


def test_subclassed_model_trains_and_freezes():
    model = Subclassed()
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    model.fit(images(8, 6, 6, 4), images(8, 4), batch_size=4, verbose=0)
    moved = as_array(model.point.moving_mean)
    assert np.any(moved)
    model.fine.trainable = model.point.trainable = False
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    before = frozen_weights(model)
    model.fit(images(8, 6, 6, 4, seed=1), images(8, 4), batch_size=4, verbose=0)
    assert all(map(np.array_equal, before, frozen_weights(model)))
    model.fine.trainable = model.point.trainable = True
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    model.fit(images(8, 6, 6, 4, seed=1), images(8, 4), batch_size=4, verbose=0)
    assert not np.array_equal(moved, as_array(model.point.moving_mean))


def test_gradient_accumulation_equals_the_mean_of_the_steps():
    """Two accumulated batches move a weight by the mean of what each would move it by."""

    def moved(accumulated, batches):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.Input((4, 4, 6)), FineGrainedBatchNorm(3, 1, groups=3), layers.Flatten()]
        )
        steps = 2 if accumulated else None
        optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=steps)
        model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
        before = as_array(model.layers[0].kernel)
        for batch in batches:
            model.train_on_batch(batch, np.zeros((4, 48), "float32"))
        return as_array(model.layers[0].kernel) - before

    first, second = images(4, 4, 4, 6), 2.0 * images(4, 4, 4, 6, seed=1)
    together = moved(True, [first, second])
    apart = (moved(False, [first]) + moved(False, [second])) / 2
    assert training.relative_error(together, apart) < 1e-4


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_nan_input_gives_nan_outputs_as_batch_normalization_does(kernel_size):
    batch = images(2, 4, 4, 4)
    batch[0, 1, 1, 0] = np.nan
    layer = FineGrainedBatchNorm(3, kernel_size, groups=2)
    outputs = as_array(layer(batch, training=True))
    assert np.isnan(outputs).all()
    mean = as_array(layer.moving_mean)
    assert np.isnan(mean[0]).all()
    assert np.isfinite(mean[1]).all(), "the group without the NaN"


@pytest.mark.skipif(backend() != "tensorflow", reason="its result is a tensorflow SavedModel")
def test_exports_with_a_dynamic_batch(tmp_path):
    import tensorflow

    model = keras.Sequential(
        [
            keras.Input((None, None, 4)),
            FineGrainedBatchNorm(3, 3),
            FineGrainedBatchNorm(2, 1, groups=3),
        ]
    )
    model.layers[0].moving_variance.assign(np.full((4, 3), 2.0))
    model.export(tmp_path / "saved", verbose=False)
    loaded = tensorflow.saved_model.load(str(tmp_path / "saved"))
    batch = images(3, 7, 5, 4)
    assert training.relative_error(np.asarray(loaded.serve(batch)), as_array(model(batch))) < 1e-5


@pytest.mark.skipif(backend() != "tensorflow", reason="by tensorflow's tapes, in float64")
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_direct_form_has_second_derivatives(kernel_size):
    """A Hessian-vector product against the difference quotient of the gradient."""
    import tensorflow as tf

    layer = FineGrainedBatchNorm(3, kernel_size, groups=2, statistics="direct", dtype="float64")
    batch = tf.constant(images(3, 5, 5, 4).astype("float64"))
    layer.build(batch.shape)
    rng = np.random.default_rng(0)
    direction = tf.constant(rng.normal(size=layer.kernel.shape))
    upstream = tf.constant(rng.normal(size=layer.compute_output_shape(batch.shape)))

    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(layer(batch, training=True)) * upstream)
        return tape.gradient(loss, layer.kernel.value)

    with tf.GradientTape() as tape:
        projection = tf.reduce_sum(gradient() * direction)
    product = tape.gradient(projection, layer.kernel.value)
    start, step = layer.kernel.numpy(), 1e-5
    layer.kernel.assign(start + step * direction)
    above = gradient()
    layer.kernel.assign(start - step * direction)
    quotient = (above - gradient()) / (2 * step)
    assert training.relative_error(product, quotient) < 1e-6


@pytest.mark.skipif(backend() != "tensorflow", reason="by tensorflow's tapes")
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_written_gradients_refuse_to_be_differentiated(kernel_size):
    import tensorflow as tf

    layer = FineGrainedBatchNorm(3, kernel_size, groups=2)
    batch = tf.constant(images(3, 5, 5, 4))
    with tf.GradientTape() as outer:
        outer.watch(batch)
        with tf.GradientTape() as inner:
            inner.watch(batch)
            loss = tf.reduce_sum(layer(batch, training=True) ** 2)
        penalty = tf.reduce_sum(inner.gradient(loss, batch) ** 2)
    with pytest.raises(NotImplementedError, match='`statistics="direct"`'):
        outer.gradient(penalty, batch)


@pytest.mark.skipif(backend() != "jax", reason="by jax's transformations")
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_written_gradients_refuse_to_be_differentiated_on_jax(kernel_size):
    import jax

    layer = FineGrainedBatchNorm(3, kernel_size, groups=2)
    batch = images(3, 5, 5, 4)
    layer.build(batch.shape)
    trainable = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(batch):
        return ops.sum(layer.stateless_call(trainable, state, batch, training=True)[0] ** 3)

    with pytest.raises(NotImplementedError, match='`statistics="direct"`'):
        jax.grad(lambda batch: ops.sum(jax.grad(loss)(batch) ** 2))(batch)


def test_image_smaller_than_the_kernel_never_trains():
    """Built for images of any size, where a convolution on tensorflow returns anything."""
    layer = FineGrainedBatchNorm(4, 3, groups=2)
    layer.build((None, None, None, 8))
    with pytest.raises(ValueError, match=r"(?i)output"):
        layer(np.ones((2, 2, 2, 8), "float32"), training=True)
    assert np.array_equal(as_array(layer.moving_mean), np.zeros((2, 4)))


@pytest.mark.skipif(backend() == "jax", reason="jax has no float64 unless it is switched on")
def test_float64_layer_folds_in_float64():
    layer = FineGrainedBatchNorm(3, 3, groups=2, dtype="float64")
    layer.build((None, 5, 5, 4))
    kernel = np.random.default_rng(0).normal(size=layer.kernel.shape)
    layer.kernel.assign(kernel)
    expected = kernel / np.sqrt(1 + layer.epsilon)
    assert training.relative_error(layer.fold().kernel, expected) < 1e-14
    outputs = layer(np.ones((1, 5, 5, 4)))
    expected = expected.sum((0, 1, 2))
    assert training.relative_error(ops.convert_to_numpy(outputs)[0, 1, 1], expected) < 1e-14


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_empty_batch_does_what_it_does_to_a_convolution_and_never_trains(kernel_size):
    empty = np.zeros((0, 5, 5, 4), "float32")

    def outcome(layer):
        try:
            return tuple(layer(empty).shape)
        except Exception as error:
            return type(error)

    layer = FineGrainedBatchNorm(3, kernel_size, groups=2)
    assert outcome(layer) == outcome(layers.Conv2D(3, kernel_size))
    with pytest.raises(ValueError, match=r"at least one image .* shape \(0, 5, 5, 4\)"):
        layer(empty, training=True)
