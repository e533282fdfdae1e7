import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tflite_tools import convert
from tflite_tools.errors import ToolError
from tflite_tools.evaluation import evaluate
from tflite_tools.flatbuffer import float_ops, op_histogram, requantizations
from tflite_tools.interpreter import LiteModel
from tflite_tools.percentile import check_percentile, quantized_by_percentile


@pytest.fixture(scope="module")
def quantize(files, tmp_path_factory):
    """Function that writes an int8 file by percentile from the float file."""
    float_content = files["float32"].read_bytes()

    def write(samples, percentile, int8_io="int8", **options):
        content = quantized_by_percentile(
            float_content, samples, percentile, int8_io=int8_io, name="small", **options
        )
        path = tmp_path_factory.mktemp("percentile") / "int8.tflite"
        path.write_bytes(content)
        return path

    return write


def test_at_100_percent_it_is_as_good_as_the_converter(files, quantize, samples, expected, capfd):
    ours = evaluate(quantize(samples, 100), samples, reference_outputs=expected)
    converters = evaluate(files["int8"], samples, reference_outputs=expected)
    assert ours.agreement >= converters.agreement - 0.02  # one sample of 50
    assert ours.mean_abs_error <= 1.1 * converters.mean_abs_error
    assert capfd.readouterr() == ("", "")


def test_the_file_is_sound(files, quantize, samples):
    path = quantize(samples, 99.9)
    content = path.read_bytes()
    assert op_histogram(content) == op_histogram(files["int8"].read_bytes())
    assert float_ops(content) == []
    assert max(one.ratio for one in requantizations(content)) < 1
    assert LiteModel(path).input_dtype == LiteModel(path).output_dtype == np.int8


def test_float_input_and_output(quantize, samples):
    floats = LiteModel(quantize(samples, 99.9, int8_io="float32"))
    integers = LiteModel(quantize(samples, 99.9))
    assert floats.input_dtype == floats.output_dtype == np.float32
    np.testing.assert_array_equal(floats.predict(samples), integers.predict(samples))


@pytest.mark.parametrize(("per_channel", "dense_scales"), [(True, 5), (False, 1)])
def test_scales_of_the_weights(quantize, samples, per_channel, dense_scales):
    path = quantize(samples, 99.9, per_channel_dense=per_channel)
    interpreter = Interpreter(model_path=str(path))
    scales = {
        tuple(tensor["shape"]): len(tensor["quantization_parameters"]["scales"])
        for tensor in interpreter.get_tensor_details()
    }
    assert scales[5, 8] == dense_scales  # classes, features
    assert scales[8, 3, 3, 3] == scales[1, 3, 3, 8] == 8


def test_a_wrong_sample_ruins_the_extremes_but_not_the_percentile(quantize, samples, expected):
    # One sample that nobody normalised among 200 that are: half a percent of all values.
    wrong = 100 * samples[:1] + 128
    calibration = np.concatenate([samples] * 4 + [wrong])

    def agreement(percentile):
        path = quantize(calibration, percentile)
        return evaluate(path, samples, reference_outputs=expected).agreement

    assert agreement(100) < 0.7
    assert agreement(99.4) >= 0.94


def test_convert_by_percentile(model, samples, quantize, tmp_path):
    options = {"calibration": samples, "calibration_percentile": 99.9, "int8_io": "float32"}
    report = convert(model, tmp_path, precisions=["int8"], **options)
    assert report.calibration.percentile == 99.9
    assert report.records[0].evaluation.agreement >= 0.94
    ours = LiteModel(quantize(samples, 99.9, int8_io="float32")).predict(samples)
    np.testing.assert_array_equal(LiteModel(report.records[0].file).predict(samples), ours)


@pytest.mark.parametrize("percentile", [None, 100, 99.99, 50.1])
def test_percentiles(percentile):
    check_percentile(percentile)


@pytest.mark.parametrize("percentile", [0, 50, 100.1, -1, float("nan"), "99", 0.9999])
def test_what_is_no_percentile(percentile):
    with pytest.raises(ToolError, match="calibration_percentile: expected more than 50 and at mo"):
        check_percentile(percentile)


def test_a_model_that_cannot_be_quantised(monkeypatch, quantize, samples):
    from ai_edge_quantizer import quantizer

    def fail(*arguments, **options):
        raise RuntimeError("no such operator\nand a page of explanation")

    monkeypatch.setattr(quantizer.Quantizer, "quantize", fail)
    with pytest.raises(ToolError, match=r"small: .*: no such operator Convert it without [^\n]*$"):
        quantize(samples, 99)
