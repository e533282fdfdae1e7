"""The model as it is deployed: fused, in float32, with a fixed batch size."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import GraphSpec, build, describe
from tflite_tools.interpreter import padded
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray

if TYPE_CHECKING:
    import keras

_REFERENCE_BATCH = 32
_HALF = ("float16", "bfloat16")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST_REASON = 300


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


def deployed_graph(model: "keras.Model", *, drop_dead_channels: bool = False) -> GraphSpec:
    """What is deployed of the model, for any backend: fused, in float32, models inside inlined."""
    import keras_finet

    with silenced():
        try:
            fused = keras_finet.fuse(model, drop_dead_channels=drop_dead_channels)
        except ValueError as error:
            raise ToolError(str(error)) from error
        return describe(fused)


def static_model(spec: GraphSpec, batch_size: int) -> "keras.Model":
    """The deployed graph as a model whose batch is fixed: no shape arithmetic to convert."""
    with silenced():
        try:
            model = build(spec, batch_size)
        except ValueError as error:
            _refuse_build(spec, batch_size, error)
    _check_rows(spec.name, spec.inputs[0].batch_size, model.outputs[0].shape, batch_size)
    return model


def reference_outputs(model: "keras.Model", samples: FloatArray) -> FloatArray:
    """What the unfused model answers, computed in float32 even if it is of mixed precision.

    The model itself is asked, not a copy of its layers: its own `call` may do more than they do.
    """
    from keras_finet.graph import copy_model

    with silenced():
        try:
            full = copy_model(model, dtype="float32") if _is_mixed(model) else model
            reference = np.concatenate(list(_answers(full, samples)))
        except ToolError:
            raise
        # What a layer raises in its call can be anything.
        except Exception as error:
            raise ToolError(
                f"{model.name}: the Keras model itself fails on samples of shape "
                f"{samples.shape[1:]}: {_brief(error)} Call it on such samples to see where."
            ) from error
    if not np.isfinite(reference).all():
        raise ToolError(
            f"{model.name}: the Keras model itself answers NaN or infinity. Look for it among its "
            "weights; the training probably diverged."
        )
    return reference


def _answers(model: "keras.Model", samples: FloatArray) -> Iterator[FloatArray]:
    """The outputs batch by batch, of the size that the model insists on if it does.

    Not by predict(): on a model that was never compiled it may go through XLA, which takes
    minutes to compile a network for a few batches.
    """
    import keras

    static = model.inputs[0].shape[0]
    size = static or _REFERENCE_BATCH
    for start in range(0, len(samples), size):
        batch = samples[start : start + size]
        fed = padded(batch, size) if static else batch
        answer = keras.tree.flatten(model(fed, training=False))[0]
        outputs = np.asarray(keras.ops.convert_to_numpy(answer))
        _check_rows(model.name, static, outputs.shape, len(fed))
        yield outputs[: len(batch)]


def _is_mixed(model: "keras.Model") -> bool:
    """Also asks the layers inside layers, whose policies are their own."""
    from keras_finet.graph import layers_inside

    return any(layer.compute_dtype in _HALF for layer in layers_inside(model))


def _check_rows(name: str, made_for: int | None, shape: tuple[Any, ...], batch_size: int) -> None:
    if shape[:1] in ((batch_size,), (None,)):
        return
    if made_for not in (None, batch_size):
        _refuse_static_batch(name, made_for, batch_size, f"its output has shape {shape}")
    raise ToolError(
        f"{name}: expected one output row for each of {batch_size} samples, got shape {shape}. "
        "Convert a keras.Model that keeps the batch axis."
    )


def _refuse_build(spec: GraphSpec, batch_size: int, error: ValueError) -> NoReturn:
    made_for = spec.inputs[0].batch_size
    if made_for not in (None, batch_size):
        _refuse_static_batch(spec.name, made_for, batch_size, _brief(error), error)
    raise ToolError(
        f"{spec.name}: the fused model cannot be made for a batch of {batch_size}: {_brief(error)}"
    ) from error


def _refuse_static_batch(
    name: str,
    made_for: int | None,
    batch_size: int,
    reason: str,
    cause: Exception | None = None,
) -> NoReturn:
    raise ToolError(
        f"{name}: expected layers that take any batch size, got ones made for batches of "
        f"{made_for} that do not take {batch_size} ({reason}). Convert it with "
        f"batch_size={made_for}, or build it on a keras.Input without a batch size."
    ) from cause


def _brief(error: Exception) -> str:
    """The type and the words of what Keras and TensorFlow say in colours and paragraphs."""
    words = " ".join(_ESCAPES.sub("", str(error)).split())
    return f"{type(error).__name__}: {words[:_LONGEST_REASON]}"
