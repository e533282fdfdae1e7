"""Activations and bare operations of Keras 3 as functions of TensorFlow tensors."""

from collections.abc import Callable, Mapping
from typing import Any

Function = Callable[..., Any]


def activation(name: Any) -> Function | None:
    """The activation of that name in Keras 3, or None if there is no counterpart.

    tf_keras has some of them under the same name with another function (`hard_sigmoid`).
    """
    import tensorflow as tf

    table: dict[str, Function] = {
        "linear": tf.identity,
        "relu": tf.nn.relu,
        "relu6": tf.nn.relu6,
        "leaky_relu": lambda x: tf.nn.leaky_relu(x, 0.2),
        "elu": tf.nn.elu,
        "selu": tf.nn.selu,
        "softplus": tf.math.softplus,
        "softsign": tf.nn.softsign,
        "sigmoid": tf.sigmoid,
        "hard_sigmoid": _hard_sigmoid,
        "tanh": tf.tanh,
        "softmax": tf.nn.softmax,
        "silu": tf.nn.silu,
        "hard_silu": lambda x: x * _hard_sigmoid(x),
        "gelu": lambda x: tf.nn.gelu(x, approximate=False),
        "exponential": tf.exp,
    }
    return table.get(name) if isinstance(name, str) else None


def operation(class_name: str, config: Mapping[str, Any]) -> Function | None:
    """The bare Keras operation of that class, or None if there is no counterpart."""
    import tensorflow as tf

    axes = {key: config.get(key) for key in ("axis", "keepdims")}
    table: dict[str, Function] = {
        "Add": tf.add,
        "Subtract": tf.subtract,
        "Multiply": tf.multiply,
        "Divide": tf.divide,
        "TrueDivide": tf.divide,
        "Maximum": tf.maximum,
        "Minimum": tf.minimum,
        "GreaterEqual": tf.greater_equal,
        # The cast: tf_keras infers the shape from floats in the condition's place.
        "Where": lambda condition, x, y: tf.where(tf.cast(condition, tf.bool), x, y),
        "Negative": tf.negative,
        "Square": tf.square,
        "Mean": lambda x: tf.reduce_mean(x, axes["axis"], bool(axes["keepdims"])),
        "Sum": lambda x: tf.reduce_sum(x, axes["axis"], bool(axes["keepdims"])),
        "Concatenate": lambda tensors: tf.concat(tensors, axes["axis"]),
        "Reshape": lambda x: tf.reshape(x, _batch_free(config["newshape"])),
        "Transpose": lambda x: tf.transpose(x, config.get("axes")),
        "Relu": tf.nn.relu,
        "Relu6": tf.nn.relu6,
        "Sigmoid": tf.sigmoid,
        "HardSigmoid": _hard_sigmoid,
        "Tanh": tf.tanh,
        "Silu": tf.nn.silu,
        "HardSilu": lambda x: x * _hard_sigmoid(x),
        "Softmax": lambda x: tf.nn.softmax(x, config.get("axis", -1)),
    }
    return table.get(class_name)


def channel_shuffle_split(config: Mapping[str, Any]) -> Function | None:
    """What `keras_finet.layers.ChannelShuffleSplit` computes."""
    import tensorflow as tf

    if config["data_format"] != "channels_last":
        return None

    def split(x: Any) -> tuple[Any, Any]:
        height, width, channels = x.shape[1:]
        half = channels // 2
        halves = tf.reshape(x, (-1, height * width, 2, half))
        shuffled = tf.transpose(halves[..., : half // 2], (0, 1, 3, 2))
        shape = (-1, height, width, half)
        return tf.reshape(shuffled, shape), tf.reshape(halves[..., half // 2 :], shape)

    return split


def _hard_sigmoid(x: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu6(x + 3.0) * (1.0 / 6.0)


def _batch_free(shape: Any) -> tuple[int, ...]:
    first, *others = shape
    return (-1 if first is None else first, *others)
