"""One training step of a Keras layer or model on whichever backend runs."""

import inspect

import keras
import numpy as np
from keras import ops


def step(layer, inputs, upstream):
    """Runs `layer` in training mode and differentiates `sum(outputs * upstream)`.

    Returns the outputs, the gradient of the inputs and a dictionary of the gradients of the
    trainable variables by path; non-trainable variables move as in a training step.
    """
    layer.build(inputs.shape) if not layer.built else None
    run = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
    outputs, d_inputs, gradients = run(layer, inputs, upstream)
    names = [variable.path for variable in layer.trainable_variables]
    return (
        _array(outputs),
        _array(d_inputs),
        {name: _array(gradient) for name, gradient in zip(names, gradients, strict=True)},
    )


def _array(tensor):
    return ops.convert_to_numpy(ops.convert_to_tensor(tensor))


def _tensorflow(layer, inputs, upstream):
    import tensorflow as tf

    inputs = tf.convert_to_tensor(inputs)

    @tf.function
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(outputs * tf.cast(upstream, outputs.dtype))
        variables = [variable.value for variable in layer.trainable_variables]
        d_inputs, *gradients = tape.gradient(loss, [inputs, *variables])
        return outputs, d_inputs, gradients

    return run(inputs)


def _jax(layer, inputs, upstream):
    import jax

    # Keras hands the arguments of a stateless call on as they are.
    mode = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
    trainable = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(trainable, inputs):
        outputs, new_state = layer.stateless_call(trainable, state, inputs, **mode)
        return ops.sum(outputs * ops.cast(upstream, outputs.dtype)), (outputs, new_state)

    gradient = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
    (gradients, d_inputs), (outputs, new_state) = gradient(trainable, ops.convert_to_tensor(inputs))
    for variable, value in zip(layer.non_trainable_variables, new_state, strict=True):
        variable.assign(value)
    return outputs, d_inputs, gradients


def _torch(layer, inputs, upstream):
    inputs = ops.convert_to_tensor(inputs).requires_grad_()
    layer.zero_grad()
    outputs = layer(inputs, training=True)
    ops.sum(outputs * ops.cast(upstream, outputs.dtype)).backward()
    gradients = [variable.value.grad for variable in layer.trainable_variables]
    return outputs.detach(), inputs.grad, gradients


def relative_error(actual, expected):
    """Largest difference as a part of the largest expected value."""
    expected = np.asarray(expected, "float64")
    scale = np.max(np.abs(expected))
    return float(np.max(np.abs(np.asarray(actual, "float64") - expected)) / (scale or 1.0))
