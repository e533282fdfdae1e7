import keras
import pytest
from ai_edge_litert import schema_py_generated as schema
from support.converted import content_of
from support.models import images

from tflite_tools.errors import ToolError
from tflite_tools.targets import TARGETS, check_target, check_target_name

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
    content = files[precision].read_bytes()
    if (target, precision) == ("nnapi", "int8"):  # it was converted for the processor
        message = refused(content, target)
        assert "FULLY_CONNECTED: has weights with a scale for each channel" in message
    else:
        check_target(content, target, "small", ())


def test_an_operator_in_no_table_is_named_with_its_layer():
    entry = keras.Input((8, 8, 4))
    scaled = layers.UnitNormalization(name="unit")(layers.Conv2D(4, 1)(entry))
    content = content_of(keras.Model(entry, scaled, name="user"))
    message = refused(content, "nnapi", ["conv2d", "unit"])
    assert message.startswith(
        "user.tflite: the target nnapi does not take SQUARE (layer 'unit'): is not among the "
        "operators that the delegate knows. "
    )
    assert "Replace the layers that make it, choose another" in message
    check_target(content, "gpu", "user.tflite", ())
    check_target(content, "cpu", "user.tflite", ())


def test_a_type_that_the_target_does_not_take():
    entry = keras.Input((8, 8, 4))
    model = keras.Model(entry, keras.ops.sqrt(keras.ops.abs(layers.Conv2D(4, 1)(entry))))
    check_target(content_of(model), "nnapi", "user.tflite", ())
    content = content_of(model, "int8", calibration=images(8, 8, 8, 4))
    assert "ABS: is version 2; the delegate knows ABS up to 1" in refused(content, "nnapi")


def test_a_version_above_the_highest():
    """Grouped convolutions: the converter marks them with version 6."""
    content = content_of(model_of(layers.Conv2D(8, 3, groups=2)))
    message = refused(content, "nnapi")
    assert "CONV_2D: is version 6; the delegate knows CONV_2D up to 5." in message
    check_target(content, "gpu", "user.tflite", ())


def test_unpacking_weights_does_not_count():
    model = model_of(layers.Conv2D(8, 3), layers.Conv2D(8, 3, groups=2))
    content = content_of(model, "float16")
    codes = [code.builtinCode for code in schema.ModelT.InitFromPackedBuf(content, 0).operatorCodes]
    assert schema.BuiltinOperator.DEQUANTIZE in codes
    assert "DEQUANTIZE" not in refused(content, "nnapi")
    check_target(content, "gpu", "user.tflite", ())


def test_names_of_targets():
    with pytest.raises(ToolError, match="target: expected one of cpu, gpu, nnapi, got tpu"):
        check_target_name("tpu")
