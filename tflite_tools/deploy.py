"""The model as it is deployed: fused, in float32, with a fixed batch size."""

from typing import TYPE_CHECKING

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.loading import import_keras_finet
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray

if TYPE_CHECKING:
    import keras

_REFERENCE_BATCH = 32


def sample_shape(model: "keras.Model") -> tuple[int, ...]:
    """The shape of one input sample; refuses models that the tools cannot feed."""
    from keras_finet.graph import as_functional

    try:
        functional = as_functional(model)
    except ValueError as error:
        raise ToolError(str(error)) from error
    for kind in ("inputs", "outputs"):
        tensors = getattr(functional, kind)
        if len(tensors) > 1:
            raise ToolError(
                f"{model.name}: expected one input and one output, got {len(tensors)} {kind} "
                f"({', '.join(tensor.name for tensor in tensors)}). Convert a keras.Model from "
                "one of the inputs to one of the outputs."
            )
    entry = functional.inputs[0]
    if None in entry.shape[1:]:
        raise ToolError(
            f"{model.name}: expected an input of fixed size, got {tuple(entry.shape[1:])}. Build "
            "the model with input_shape=(height, width, channels) and load its weights."
        )
    if "float" not in entry.dtype:
        raise ToolError(
            f"{model.name}: expected a floating-point input, got {entry.dtype}. Build the model "
            "with a float32 keras.Input and cast to it outside."
        )
    return tuple(entry.shape[1:])


def deployable(model: "keras.Model", batch_size: int) -> "keras.Model":
    """A fused float32 copy of the model whose batch is fixed: no shape arithmetic to convert."""
    import_keras_finet()
    import keras_finet
    from keras_finet.graph import copy_model

    with silenced():
        try:
            fused = keras_finet.fuse(model)
            return copy_model(fused, batch_size=batch_size, dtype="float32")
        except ValueError as error:
            raise ToolError(str(error)) from error


def reference_outputs(model: "keras.Model", samples: FloatArray) -> FloatArray:
    """What the unfused model answers, computed in float32 even if it is of mixed precision."""
    from keras_finet.graph import copy_model

    with silenced():
        full = copy_model(model, dtype="float32")
        # Not predict(): on a model that was never compiled it may go through XLA, which takes
        # minutes to compile a network for a few batches.
        outputs = [
            np.asarray(full(samples[start : start + _REFERENCE_BATCH], training=False))
            for start in range(0, len(samples), _REFERENCE_BATCH)
        ]
    reference = np.concatenate(outputs)
    if not np.isfinite(reference).all():
        raise ToolError(
            f"{model.name}: the Keras model itself answers NaN or infinity. Look for it among its "
            "weights; the training probably diverged."
        )
    return reference
