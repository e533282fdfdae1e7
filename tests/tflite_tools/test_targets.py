import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from support.converted import content_of
from support.models import images

from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import operator_uses
from tflite_tools.targets import GPU, NNAPI, TARGETS, check_target, check_target_name

layers = keras.layers


def model_of(*stack, shape=(8, 8, 4), name="user"):
    return keras.Sequential([keras.Input(shape), *stack], name=name)


def refused(content, target, names=()):
    with pytest.raises(ToolError) as caught:
        check_target(content, target, "user.tflite", names)
    return str(caught.value)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_every_target_takes_the_small_classifier(files, target, precision):
    check_target(files[precision].read_bytes(), target, "small", ())


def test_names_in_the_tables_are_operators():
    known = vars(schema.BuiltinOperator)
    assert {name for name in (*GPU, *NNAPI) if name not in known} == set()


def test_an_operator_in_no_table_is_named_with_its_layer():
    entry = keras.Input((8, 8, 4))
    scaled = layers.UnitNormalization(name="unit")(layers.Conv2D(4, 1)(entry))
    content = content_of(keras.Model(entry, scaled, name="user"))
    message = refused(content, "nnapi", ["conv2d", "unit"])
    assert message.startswith("user.tflite: the target nnapi does not take SQUARE (layer 'unit').")
    assert "Replace the layers that make it, choose another" in message
    check_target(content, "gpu", "user.tflite", ())
    check_target(content, "cpu", "user.tflite", ())


def test_a_type_that_the_target_does_not_take():
    entry = keras.Input((8, 8, 4))
    model = keras.Model(entry, keras.ops.sqrt(keras.ops.abs(layers.Conv2D(4, 1)(entry))))
    check_target(content_of(model), "nnapi", "user.tflite", ())
    content = content_of(model, "int8", calibration=images(8, 8, 8, 4))
    assert "ABS on int8" in refused(content, "nnapi")


def test_a_version_above_the_highest():
    """Grouped convolutions: the converter marks them with version 6."""
    content = content_of(model_of(layers.Conv2D(8, 3, groups=2)))
    assert "CONV_2D of version 6 (only up to 5)" in refused(content, "nnapi")
    check_target(content, "gpu", "user.tflite", ())


def test_operators_on_constants_do_not_count():
    model = model_of(layers.Conv2D(32, 3, use_bias=True), layers.Conv2D(32, 3))
    content = content_of(model, "float16")
    codes = [code.builtinCode for code in schema.ModelT.InitFromPackedBuf(content, 0).operatorCodes]
    assert schema.BuiltinOperator.DEQUANTIZE in codes
    assert {use.op for use in operator_uses(content)} == {"CONV_2D"}
    assert np.all([not use.is_int8 for use in operator_uses(content)])


def test_names_of_targets():
    with pytest.raises(ToolError, match="target: expected one of cpu, gpu, nnapi, got tpu"):
        check_target_name("tpu")
