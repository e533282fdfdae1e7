import functools
import inspect

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_finet import FineGrainedBatchNorm
from tflite_tools import artefact, convert
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import op_histogram
from tflite_tools.interpreter import LiteModel

module = inspect.getmodule(convert)


def files_in(folder):
    """Hidden ones included: a half-written file is hidden. Each has its record beside it."""
    found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    models = [name for name in found if not name.endswith(".tflite.json")]
    assert found == sorted([*models, *(f"{name}.json" for name in models)])
    return models


def test_one_record_for_each_precision(report):
    assert [record.precision for record in report.records] == ["float32", "float16", "int8"]
    for record in report.records:
        assert record.file.name == f"small_{record.precision}.tflite"
        assert record.size_bytes == record.file.stat().st_size
        assert record.ops == op_histogram(record.file.read_bytes())
        assert record.evaluation.file == record.file
        assert record.evaluation.samples == 50
    assert files_in(report.records[0].file.parent) == [
        "small_float16.tflite",
        "small_float32.tflite",
        "small_int8.tflite",
    ]


def test_float32_equals_the_keras_model(files, samples, expected):
    error = np.abs(LiteModel(files["float32"]).predict(samples) - expected).max()
    assert error / np.abs(expected).max() <= 1e-5


@pytest.mark.parametrize(("precision", "tolerance"), [("float16", 5e-3), ("int8", 0.1)])
def test_lower_precisions_are_close(report, precision, tolerance):
    (record,) = (record for record in report.records if record.precision == precision)
    assert 0 < record.evaluation.mean_abs_error < record.evaluation.max_abs_error < tolerance
    assert record.evaluation.agreement >= 0.9


@pytest.mark.parametrize("int8_io", ["int8", "float32"])
def test_int8_input_and_output_types(model, samples, expected, tmp_path, int8_io):
    report = convert(
        model, tmp_path, precisions="int8", calibration=samples, int8_io=int8_io, name="io"
    )
    lite = LiteModel(tmp_path / "io_int8.tflite")
    assert {lite.input_dtype, lite.output_dtype} == {np.dtype(int8_io)}
    extra = {"QUANTIZE": 1, "DEQUANTIZE": 1} if int8_io == "float32" else {}
    ops = report.records[0].ops
    assert {name: ops.get(name) for name in extra} == extra
    assert np.mean(lite.predict(samples).argmax(-1) == expected.argmax(-1)) >= 0.9


def test_calibration_decides_the_input_range(model, samples, tmp_path):
    """Full integer quantisation: the input's scale follows the calibration data."""

    def scale(data, name):
        convert(model, tmp_path, precisions=["int8"], calibration=data, name=name)
        lite = LiteModel(tmp_path / f"{name}_int8.tflite")
        return lite._input["quantization"][0]

    assert scale(samples, "a") == pytest.approx((samples.max() - samples.min()) / 255, rel=1e-2)
    assert scale(samples * 3, "b") == pytest.approx(3 * scale(samples, "c"), rel=1e-2)


@pytest.mark.parametrize(
    ("precision", "factor", "kept"),
    [
        ("float32", 1.0005, True),
        ("float32", 1.002, False),
        ("float16", 1.03, True),
        ("float16", 1.08, False),
        ("int8", 1.5, True),  # its error is what the report is for
    ],
)
def test_a_file_of_another_function_is_not_kept(
    model, samples, expected, tmp_path, monkeypatch, precision, factor, kept
):
    monkeypatch.setattr(module, "reference_outputs", lambda *_: expected * factor)
    run = functools.partial(
        convert, model, tmp_path, precisions=precision, calibration=samples, name="n"
    )
    if kept:
        run()
    else:
        figures = rf"n_{precision}\.tflite: expected outputs within .* got .*verify_fusion"
        with pytest.raises(ToolError, match=figures):
            run()
    assert files_in(tmp_path) == ([f"n_{precision}.tflite"] if kept else [])


def test_one_output_in_a_dictionary(tmp_path):
    vector = keras.Input((4,))
    model = keras.Model(vector, {"probs": keras.layers.Dense(2)(vector)}, name="named")
    assert convert(model, tmp_path).records[0].evaluation.max_abs_error < 1e-5


def test_a_model_of_a_static_batch_converts_at_that_size(tmp_path):
    vector = keras.Input((4,), batch_size=8)
    rows = keras.ops.reshape(vector, (8, -1))
    model = keras.Model(vector, keras.layers.Dense(2)(rows), name="eight")
    assert convert(model, tmp_path, batch_size=8).records[0].evaluation.max_abs_error < 1e-5


def test_mixed_precision_converts_without_flex(small_classifier, report, tmp_path):
    half = small_classifier(dtype="mixed_float16", name="half")
    converted = convert(half, tmp_path, precisions=["float32"])
    assert converted.records[0].ops == report.records[0].ops
    assert converted.records[0].evaluation.max_abs_error < 1e-5


def test_batch_size(model, tmp_path, report):
    converted = convert(model, tmp_path, batch_size=4)
    assert LiteModel(converted.records[0].file).batch_size == 4
    assert converted.records[0].ops == report.records[0].ops


def test_from_a_file_the_names_are_the_files(keras_file, tmp_path):
    convert(keras_file, tmp_path / "new")
    convert(str(keras_file), str(tmp_path / "new"), name="other")
    assert files_in(tmp_path / "new") == ["other_float32.tflite", "saved_float32.tflite"]


def test_repeated_precisions_count_once(model, tmp_path):
    assert len(convert(model, tmp_path, precisions=["float32", "float32"]).records) == 1


def test_the_comparison_says_what_it_ran_on(model, samples, tmp_path):
    random = convert(model, tmp_path)
    assert random.samples_from.startswith("32 random inputs (standard normal, seed 0), as no")
    assert random.records[0].evaluation.samples == 32
    assert random.calibration is None
    given = convert(model, tmp_path, inputs=samples[:7], calibration=samples)
    assert given.samples_from == "the 7 given inputs"
    assert given.calibration is None  # nothing was quantised
    calibrated = convert(
        model, tmp_path, precisions=["int8"], calibration=samples, calibration_samples=9
    )
    assert calibrated.samples_from == "the 9 calibration samples, as no inputs were given"
    assert calibrated.calibration.samples == 9
    assert calibrated.calibration.source == "the given array"


def failing_second_time(monkeypatch, error):
    """Fails while the second file is being checked, when its content is on the disk already."""
    evaluate, calls = artefact.evaluate_models, []

    def failing(models, *args, **options):
        calls.append(models)
        assert models[0].path.exists()
        if len(calls) == 2:
            raise error
        return evaluate(models, *args, **options)

    monkeypatch.setattr(artefact, "evaluate_models", failing)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_completed_files_stay_and_half_written_ones_go(model, tmp_path, monkeypatch, error):
    failing_second_time(monkeypatch, error)
    with pytest.raises(type(error)):
        convert(model, tmp_path, precisions=["float32", "float16"])
    assert files_in(tmp_path) == ["small_float32.tflite"]


def test_an_older_file_survives_a_failure(model, tmp_path, monkeypatch):
    (tmp_path / "small_float16.tflite").write_text("older")
    (tmp_path / "small_float16.tflite.json").write_text("its record")
    failing_second_time(monkeypatch, ToolError("broken"))
    with pytest.raises(ToolError, match="broken"):
        convert(model, tmp_path, precisions=["float32", "float16"])
    assert (tmp_path / "small_float16.tflite").read_text() == "older"
    assert (tmp_path / "small_float16.tflite.json").read_text() == "its record"
    assert len(files_in(tmp_path)) == 2


def test_messages_about_a_converted_file_use_its_final_name(model, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "file_contents", lambda *_, **__: [b"0000TFL3 broken"])
    monkeypatch.setattr(artefact, "op_histogram", lambda _: {})
    monkeypatch.setattr(artefact, "check_requantization", lambda *_: None)
    with pytest.raises(ToolError, match=r"out/small_float32\.tflite: not a \.tflite model"):
        convert(model, tmp_path / "out")
    assert files_in(tmp_path) == []


def test_a_file_that_needs_flex_is_not_written(model, tmp_path, monkeypatch, flex_file):
    content = flex_file.read_bytes()
    monkeypatch.setattr(module, "file_contents", lambda *_, **__: [content])
    with pytest.raises(ToolError, match=r"small_float32\.tflite: needs operators .*FlexConv2D"):
        convert(model, tmp_path / "out")
    assert files_in(tmp_path) == []


def test_a_dead_channel_stops_int8_and_keeps_float32(model, samples, tmp_path, monkeypatch):
    def refuse(content, name):
        if name.endswith("int8.tflite"):
            raise ToolError(f"{name}: dead channel")

    monkeypatch.setattr(artefact, "check_requantization", refuse)
    with pytest.raises(ToolError, match=r"small_int8\.tflite: dead channel"):
        convert(model, tmp_path, precisions=["float32", "int8"], calibration=samples)
    assert files_in(tmp_path) == ["small_float32.tflite"]


def test_int8_with_float_operators_is_not_written(tmp_path):
    vector = keras.Input((4,))
    hidden = keras.layers.Dense(3, activation="elu")(vector)
    partly = keras.Model(vector, keras.layers.Dense(2)(hidden), name="partly")
    data = np.random.default_rng(1).normal(size=(20, 4))
    with pytest.raises(ToolError, match=r"partly_int8\.tflite: ELU would run in float"):
        convert(partly, tmp_path, precisions=["float32", "int8"], calibration=data)
    assert files_in(tmp_path) == ["partly_float32.tflite"]


def test_nothing_is_printed(model, tmp_path, samples, capfd):
    convert(model, tmp_path, precisions=["float32", "int8"], calibration=samples)
    assert capfd.readouterr() == ("", "")


def test_verbose_shows_what_is_printed(model, tmp_path, capfd):
    convert(model, tmp_path, verbose=True)
    assert capfd.readouterr() != ("", "")
    convert(model, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_file_with_an_operator_that_the_target_leaves_is_not_written(tmp_path):
    vector = keras.Input((8, 8, 3))
    scaled = keras.layers.UnitNormalization(name="unit")(keras.layers.Conv2D(4, 1)(vector))
    unit = keras.Model(vector, scaled, name="unit_model")
    with pytest.raises(ToolError, match=r"unit_model_float32\.tflite: .* SQUARE \(layer 'unit'\)"):
        convert(unit, tmp_path, target="nnapi")
    assert files_in(tmp_path) == []
    assert len(convert(unit, tmp_path, target="gpu").records) == 1


def test_nnapi_gets_one_scale_for_dense_weights(model, samples, tmp_path):
    def dense_scales(target):
        convert(model, tmp_path, precisions=["int8"], calibration=samples, target=target)
        content = (tmp_path / "small_int8.tflite").read_bytes()
        (graph,) = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs
        (weights,) = (tensor for tensor in graph.tensors if tuple(tensor.shape) == (5, 8))
        return len(weights.quantization.scale)

    assert (dense_scales("cpu"), dense_scales("nnapi")) == (5, 1)


class OwnConvolution(FineGrainedBatchNorm):
    """A layer of the user's own that can fold, as its parent does."""


def test_a_foldable_layer_of_the_users_own_converts(tmp_path):
    image = keras.Input((8, 8, 4))
    own = keras.Model(image, OwnConvolution(4, 1, groups=2)(image), name="own")
    (record,) = convert(own, tmp_path).records
    assert set(record.ops) == {"CONV_2D"}
