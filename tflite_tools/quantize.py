"""Precisions: how the converter is set for each, and whether an int8 result is sound."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import control_flow, float_ops, requantizations
from tflite_tools.interpreter import padded
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray

if TYPE_CHECKING:
    import keras

PRECISIONS = ("float32", "float16", "int8")
INT8_IO = ("int8", "float32")
# XNNPACK refuses factors from here on, and the reference kernels lose the other channels.
_LARGEST_REQUANTIZATION = 256.0
_LONGEST_REASON = 400
_LOOPS_AND_BRANCHES = ("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase")


def tflite_content(
    model: "keras.Model", precision: str, *, calibration: FloatArray | None, int8_io: str
) -> bytes:
    """Converts a deployable model with TensorFlow Lite's built-in operators only."""
    if precision == "int8":
        _refuse_control_flow(model)
    with silenced():
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            assert calibration is not None  # convert() asks for it before anything else
            batch_size = int(model.inputs[0].shape[0])
            converter.representative_dataset = _batches(calibration, batch_size)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = getattr(tf, int8_io)
            converter.inference_output_type = getattr(tf, int8_io)
        try:
            return bytes(converter.convert())
        # The converter's own exception has no public name; others come from its passes.
        except Exception as error:
            raise ToolError(
                f"{model.name}: TensorFlow Lite cannot convert the model to {precision}: "
                f"{_reason(error)}"
            ) from error


def _refuse_control_flow(model: "keras.Model") -> None:
    """On more than one subgraph the calibrator ends the process by a segmentation fault.

    Tracing is fast; only what it makes suspect is converted, as the converter removes branches
    that are never taken.
    """
    if not _traces_control_flow(model):
        return
    found = control_flow(tflite_content(model, "float32", calibration=None, int8_io="int8"))
    if found:
        raise ToolError(
            f"{model.name}: post-training int8 takes feed-forward graphs only, got "
            f"{', '.join(found)}, which recurrent layers (LSTM, GRU, RNN) and loops make. Replace "
            "them, give recurrent layers unroll=True, or convert to float16."
        )


def _traces_control_flow(model: "keras.Model") -> bool:
    with silenced():
        import tensorflow as tf

        entry = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype)
        traced = tf.function(lambda samples: model(samples, training=False))
        graph = traced.get_concrete_function(entry).graph.as_graph_def()
    bodies = (function.node_def for function in graph.library.function)
    return any(node.op in _LOOPS_AND_BRANCHES for nodes in (graph.node, *bodies) for node in nodes)


def check_integer_only(content: bytes, name: str) -> None:
    """Refuses an int8 model that computes in float here and there.

    Asked for int8 operators only, the converter still leaves those without an int8 kernel in
    float, between a DEQUANTIZE and a QUANTIZE, and says nothing.
    """
    if left := float_ops(content):
        raise ToolError(
            f"{name}: {', '.join(left)} would run in float, as TFLite has no int8 kernel for it. "
            "Replace the Keras layers that make it, or convert to float16."
        )


def check_requantization(content: bytes, name: str) -> None:
    """Refuses an int8 model whose weights a dead channel has blown up.

    A channel whose moving variance is near zero folds to huge weights. Its operator then needs
    a factor that int8 kernels do not have: they fail to start, or the accuracy collapses.
    """
    worst = max(requantizations(content), key=lambda item: item.ratio, default=None)
    if worst is None or worst.ratio < _LARGEST_REQUANTIZATION:
        return
    raise ToolError(
        f"{name}: channel {worst.channel} of {worst.op} {worst.tensor} needs a requantisation "
        f"factor of {worst.ratio:.0f}, and int8 kernels take less than "
        f"{_LARGEST_REQUANTIZATION:.0f}. Its batch normalisation has a dead channel (a moving "
        "variance near zero), which folds to huge weights. Train with a larger epsilon or a "
        "smaller learning rate, or set that channel's gamma to zero; float16 is not affected."
    )


def _batches(samples: FloatArray, batch_size: int) -> Callable[[], Iterator[list[Any]]]:
    def batches() -> Iterator[list[Any]]:
        for start in range(0, len(samples), batch_size):
            yield [padded(samples[start : start + batch_size], batch_size)]

    return batches


def _reason(error: Exception) -> str:
    """What the converter's pages of text come to."""
    text = str(error)
    # It lists the operators at fault under "Flex ops" or "Custom ops", by what could run them.
    missing = re.findall(r"^(?:Flex|Custom) ops: (.+)$", text, flags=re.MULTILINE)
    # Or it names each where it stands, in the middle of a trace of the calls that made it.
    missing = missing or sorted(set(re.findall(r"'tf\.(\w+)' op is neither", text)))
    if missing:
        return (
            f"it uses {', '.join(missing)}, which TFLite's built-in operators do not cover. "
            "Replace the Keras layers that make them."
        )
    return next(iter(text.splitlines()), type(error).__name__)[:_LONGEST_REASON]
