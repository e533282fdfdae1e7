import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from support.converted import content_of
from support.hostile import randomize
from support.models import images

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import float_ops, op_histogram
from tflite_tools.tf_converter import _batches, _reason

layers = keras.layers


def test_calibration_is_fed_in_full_batches():
    samples = np.arange(5, dtype="float32")[:, np.newaxis]
    batches = [batch for (batch,) in _batches(samples, 2)()]
    assert [batch.ravel().tolist() for batch in batches] == [[0, 1], [2, 3], [4, 4]]


LSTM_TO_INT8 = """
import keras
import numpy as np
from tflite_tools import convert
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import float_ops, op_histogram

x = keras.Input((10, 4))
model = keras.Model(x, keras.layers.Dense(3)(keras.layers.LSTM(8)(x)), name="loop")
data = np.arange(160.0).reshape(4, 10, 4)
for percentile in (None, 99.9):
    options = {"calibration": data, "calibration_percentile": percentile}
    try:
        convert(model, "out", precisions=["float32", "int8"], **options)
    except ToolError as error:
        print(error)
"""


def test_loops_are_refused_before_the_calibrator_crashes_on_them(run_python, tmp_path):
    """In a process of its own: the crash would end the tests."""
    result = run_python("-c", LSTM_TO_INT8, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    refusal = "loop: post-training int8 takes feed-forward graphs only, got WHILE"
    assert [line.startswith(refusal) for line in result.stdout.splitlines()] == [True, True]
    assert [path.name for path in (tmp_path / "out").glob("*.tflite")] == ["loop_float32.tflite"]


def test_operators_that_tensorflow_lite_does_not_know_are_named():
    text = "Could not translate MLIR to FlatBuffer.<unknown>:0: error: loc(callsite(x)): 'tf.Foo' "
    text += "op is neither a custom op nor a flex op\n<unknown>:0: error: 'tf.Bar' op is neither a"
    assert _reason(ValueError(text)).startswith("it uses Bar, Foo, which TFLite's built-in")


def test_operators_outside_the_built_in_ones_are_named():
    vector = keras.Input((4,))
    hidden = layers.Dense(3, activation="tanh")(vector)
    model = keras.Model(vector, keras.ops.erfinv(hidden), name="special")
    with pytest.raises(ToolError, match=r"special: .* to float32: it uses Erfinv, which TFLite's"):
        content_of(model)


def test_converting_prints_nothing(model, capfd):
    content_of(model)
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def wide():
    """Weights of 1024 and more values: the converter leaves smaller ones alone."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 16)),
            layers.Conv2D(64, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(32, name="classes"),
        ]
    )
    randomize(model, seed=4)
    return model


def weights_of(content):
    """Types and numbers of scales of the weights of convolutions and Dense layers."""
    (graph,) = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs
    weights = [graph.tensors[operator.inputs[1]] for operator in graph.operators]
    return [
        (tensor.type, np.size(tensor.quantization.scale))
        for tensor in weights
        if tensor.shape is not None and np.prod(tensor.shape) >= 1024
    ]


def test_dynamic_int8_stores_integers_and_computes_on_floats(wide):
    content = content_of(wide, "dynamic_int8")
    assert [kind for kind, _ in weights_of(content)] == [schema.TensorType.INT8] * 2
    assert set(op_histogram(content)) == {"CONV_2D", "MEAN", "FULLY_CONNECTED"}
    assert float_ops(content) == ["CONV_2D", "FULLY_CONNECTED", "MEAN"]
    assert len(content) < 0.35 * len(content_of(wide, "float32"))


@pytest.mark.parametrize(("per_channel", "scales"), [(True, 32), (False, 1)])
def test_scales_of_dense_weights(wide, per_channel, scales):
    data = images(8, 8, 8, 16)
    content = content_of(wide, "int8", calibration=data, per_channel_dense=per_channel)
    assert weights_of(content) == [
        (schema.TensorType.INT8, 64),
        (schema.TensorType.INT8, scales),
    ]
