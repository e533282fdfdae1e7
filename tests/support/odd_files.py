"""Files of other kinds than vision networks: with loops, of any size, of volumes."""

import functools

import keras
import numpy as np

from tflite_tools.quiet import silenced


@functools.cache
def while_file():
    """One WHILE whose body holds a convolution that XNNPACK takes."""
    import tensorflow as tf

    kernel = tf.constant(0.1, shape=(3, 3, 4, 4))

    @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 4))])
    def loop(image):
        return tf.while_loop(
            lambda step, _: step < 3,
            lambda step, x: (step + 1, tf.nn.conv2d(x, kernel, 1, "SAME")),
            (0, image),
        )[1]

    with silenced():
        function = loop.get_concrete_function()
        return tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()


@functools.cache
def lstm_file(kernel=None):
    """An LSTM, which becomes a WHILE, and a dense layer of 64 · 4 MACs in the main graph.

    `kernel` is the layer's, as the bytes of float32.
    """
    import tensorflow as tf

    steps, dense = keras.Input((5, 8), batch_size=1), keras.layers.Dense(4)
    outputs = dense(keras.layers.LSTM(64)(steps))
    if kernel is not None:
        dense.kernel.assign(np.frombuffer(kernel, "float32").reshape(64, 4))
    with silenced():
        return tf.lite.TFLiteConverter.from_keras_model(keras.Model(steps, outputs)).convert()


@functools.cache
def two_input_file():
    """The sum of two inputs, and a dense layer."""
    import tensorflow as tf

    given = [keras.Input((4,), batch_size=1) for _ in range(2)]
    outputs = keras.layers.Dense(2)(keras.layers.Add()(given))
    with silenced():
        return tf.lite.TFLiteConverter.from_keras_model(keras.Model(given, outputs)).convert()


@functools.cache
def any_size_file():
    """A convolution of 2 filters of 3×3×4 on images of any size."""
    return _converted(keras.layers.Conv2D(2, 3, padding="same"), (None, None, 4), None)


@functools.cache
def volume_file():
    """A CONV_3D alone, which the delegates for phones do not know."""
    return _converted(keras.layers.Conv3D(2, 3), (4, 4, 4, 2), 1)


def _converted(layer, shape, batch_size):
    import tensorflow as tf

    given = keras.Input(shape, batch_size=batch_size)
    with silenced():
        model = keras.Model(given, layer(given))
        return tf.lite.TFLiteConverter.from_keras_model(model).convert()
