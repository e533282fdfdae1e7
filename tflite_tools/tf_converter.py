"""TensorFlow Lite's converter, set for each precision. Needs Keras on the tensorflow backend."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tflite_tools.deploy import static_model
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import control_flow
from tflite_tools.graph_spec import GraphSpec
from tflite_tools.interpreter import padded
from tflite_tools.percentile import quantized_by_percentile
from tflite_tools.quantize import Quantization
from tflite_tools.quiet import silenced
from tflite_tools.samples import FloatArray

_LONGEST_REASON = 400
_LOOPS_AND_BRANCHES = ("While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase")


class TFLiteConverter:
    """A deployed graph, traced once, that converts to any precision with built-in operators.

    The graph is traced here and not by `from_keras_model`, which would trace and save it for
    every precision anew.

    Args:
        spec: The deployed graph, with one input and one output.
        batch_size: The batch size that the files are fixed to.
    """

    def __init__(self, spec: GraphSpec, batch_size: int) -> None:
        model = static_model(spec, batch_size)
        self.name = spec.name
        self.batch_size = batch_size
        with silenced():
            import tensorflow as tf

            entry = model.inputs[0]
            self._traced = tf.function(
                lambda samples: model(samples, training=False)
            ).get_concrete_function(tf.TensorSpec(entry.shape, entry.dtype, spec.inputs[0].name))
            # What the converter saves together with the trace; it loses variables that are not
            # reachable from here, without a word.
            self._saved = tf.Module()
            self._saved.weights = list(self._traced.variables)

    def content(self, precision: str, quantization: Quantization) -> bytes:
        """The .tflite file of one precision.

        Args:
            precision: "float32", "float16", "dynamic_int8" or "int8".
            quantization: What int8 needs to know.
        """
        if precision != "int8":
            return self._converted(precision, lambda converter: _set_float(converter, precision))
        self._refuse_control_flow()
        samples, percentile = quantization.calibration, quantization.percentile
        assert samples is not None  # convert() asks for it before anything else
        if percentile is None:
            return self._converted(precision, lambda c: _set_int8(c, quantization, self.batch_size))
        return quantized_by_percentile(
            self.content("float32", quantization),
            samples,
            percentile,
            int8_io=quantization.int8_io,
            name=self.name,
            per_channel_dense=quantization.per_channel_dense,
        )

    def _converted(self, precision: str, configure: Callable[[Any], None]) -> bytes:
        with silenced():
            import tensorflow as tf

            converter = tf.lite.TFLiteConverter.from_concrete_functions([self._traced], self._saved)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            configure(converter)
            try:
                return bytes(converter.convert())
            # The converter's own exception has no public name; others come from its passes.
            except Exception as error:
                raise ToolError(
                    f"{self.name}: TensorFlow Lite cannot convert the model to {precision}: "
                    f"{_reason(error)}"
                ) from error

    def _refuse_control_flow(self) -> None:
        """On more than one subgraph the calibrator ends the process by a segmentation fault.

        Only what the trace makes suspect is converted, as the converter removes branches that
        are never taken.
        """
        if not self._traces_control_flow():
            return
        if found := control_flow(self.content("float32", Quantization())):
            raise ToolError(
                f"{self.name}: post-training int8 takes feed-forward graphs only, got "
                f"{', '.join(found)}, which recurrent layers (LSTM, GRU, RNN) and loops make. "
                "Replace them, give recurrent layers unroll=True, or convert to float16."
            )

    def _traces_control_flow(self) -> bool:
        graph = self._traced.graph.as_graph_def()
        bodies = (function.node_def for function in graph.library.function)
        return any(
            node.op in _LOOPS_AND_BRANCHES for nodes in (graph.node, *bodies) for node in nodes
        )


def _set_float(converter: Any, precision: str) -> None:
    import tensorflow as tf

    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]


def _set_int8(converter: Any, quantization: Quantization, batch_size: int) -> None:
    import tensorflow as tf

    assert quantization.calibration is not None
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = _batches(quantization.calibration, batch_size)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = getattr(tf, quantization.input_type or quantization.int8_io)
    converter.inference_output_type = getattr(tf, quantization.int8_io)
    # It has no public name yet; tests hold the converter to what it does.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = (
        not quantization.per_channel_dense
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
