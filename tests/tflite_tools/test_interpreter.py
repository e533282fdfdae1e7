import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel, dequantized, padded, quantized
from tflite_tools.quiet import silenced


def test_predict_equals_the_bare_interpreter(files, samples):
    """int8 in, int8 out, with the arithmetic of the format's specification done by hand."""
    with silenced():
        bare = Interpreter(model_path=str(files["int8"]))
        bare.allocate_tensors()
    entry, exit_ = bare.get_input_details()[0], bare.get_output_details()[0]
    (scale, zero), (out_scale, out_zero) = entry["quantization"], exit_["quantization"]
    rows = []
    for sample in samples[:8]:
        steps = np.round(sample.astype("float64") / scale) + zero
        bare.set_tensor(entry["index"], np.clip(steps, -128, 127).astype("int8")[None])
        bare.invoke()
        rows.append((bare.get_tensor(exit_["index"])[0].astype("float64") - out_zero) * out_scale)
    got = LiteModel(files["int8"]).predict(samples[:8])
    # A value half-way between two steps may fall either way in float64 and float32.
    np.testing.assert_allclose(got, rows, atol=out_scale * 1.01)
    assert np.mean(np.isclose(got, rows, atol=1e-6)) > 0.9


def test_quantization_rounds_half_to_even_and_clips():
    details = {"quantization": (0.5, 3), "dtype": np.int8}
    values = np.array([0.0, 0.25, 0.75, -0.25, -0.75, 1e9, -1e9], "float32")
    integers = quantized(values, details)
    assert integers.dtype == np.int8
    assert integers.tolist() == [3, 3, 5, 3, 1, 127, -128]


def test_dequantization_does_not_overflow_the_integer_type():
    details = {"quantization": (0.5, -128), "dtype": np.int8}
    assert dequantized(np.array([127, -128], "int8"), details).tolist() == [127.5, 0.0]


def test_dtypes_and_shapes(files):
    model = LiteModel(files["int8"])
    assert (model.input_dtype, model.output_dtype) == (np.int8, np.int8)
    assert model.output_step == 1 / 256  # of every int8 SOFTMAX, by TFLite's specification
    assert (model.batch_size, model.sample_shape) == (1, (16, 16, 3))
    model = LiteModel(files["float16"])
    assert model.output_step == 0
    assert (model.input_dtype, model.output_dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("count", [1, 4, 7])
def test_data_need_not_fill_the_last_batch(batch_of_four, samples, expected, count):
    model = LiteModel(batch_of_four[0])
    assert model.batch_size == 4
    np.testing.assert_allclose(model.predict(samples[:count]), expected[:count], atol=1e-6)


def test_calibration_in_batches_gives_the_same_ranges(batch_of_four, expected, samples):
    agreement = LiteModel(batch_of_four[1]).predict(samples).argmax(-1) == expected.argmax(-1)
    assert agreement.mean() >= 0.9


def test_padding_repeats_the_samples_in_turn():
    batch = np.array([[1.0], [2.0]], "float32")
    assert padded(batch, 5).ravel().tolist() == [1, 2, 1, 2, 1]
    assert padded(batch, 2).tolist() == batch.tolist()


def test_threads_do_not_change_the_outputs(files, samples):
    one, two = (LiteModel(files["float32"], num_threads=n).predict(samples[:4]) for n in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize("length", [0, 4, 1000, -100])
def test_damaged_file(files, tmp_path, length):
    path = tmp_path / "damaged.tflite"
    path.write_bytes(files["float32"].read_bytes()[:length])
    with pytest.raises(ToolError, match=r"damaged\.tflite: not a \.tflite model, or a damaged one"):
        LiteModel(path)


def test_missing_file(tmp_path):
    with pytest.raises(ToolError, match=r"missing\.tflite: expected a readable"):
        LiteModel(tmp_path / "missing.tflite")


def test_a_model_that_needs_flex_cannot_be_prepared(flex_file):
    with pytest.raises(ToolError, match=r"flex\.tflite: the LiteRT interpreter cannot prepare"):
        LiteModel(flex_file)


def test_number_of_threads_is_checked(files):
    with pytest.raises(ToolError, match="num_threads: expected 1 or more, got 0"):
        LiteModel(files["float32"], num_threads=0)


def test_inputs_are_checked(files):
    with pytest.raises(ToolError, match=r"inputs of small_float32\.tflite: expected shape"):
        LiteModel(files["float32"]).predict(np.zeros((2, 8, 8, 3)))


def test_creating_an_interpreter_prints_nothing(files, capfd):
    LiteModel(files["float32"])
    assert capfd.readouterr() == ("", "")
