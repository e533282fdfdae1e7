"""The real compiler, for a Snapdragon 888 unless a test says otherwise."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from support.converted import contents_of
from support.hostile import randomize
from support.odd_files import lstm_file
from support.operator_zoo import zoo_file
from support.qairt import libraries, needs_compiler

import keras_finet
from tflite_tools.delegates import delegate_report
from tflite_tools.errors import ToolError
from tflite_tools.flatbuffer import op_histogram
from tflite_tools.model_graph import read_graph
from tflite_tools.npu import CompilationReport, compile_files, compile_for_soc, compiling
from tflite_tools.npu.compiler_log import read_log

pytestmark = needs_compiler
SOC = "SM8350"


@pytest.fixture
def zoo_path(tmp_path):
    def path(*arguments, name="zoo.tflite", **options):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(zoo_file(*arguments, **options))
        return file

    return path


def compiled(path, soc=SOC, **options):
    return compile_for_soc(path, soc, sdk_libs=libraries(), **options)


@pytest.mark.parametrize("build", [keras_finet.FinetSmall, keras_finet.FinetLarge])
def test_a_finet_is_taken_as_a_whole(build, tmp_path):
    keras.utils.set_random_seed(0)
    model = build(weights=None, groups=4)
    randomize(model)
    samples = np.random.default_rng(1).normal(size=(2, 224, 224, 3)).astype("float32")
    contents = contents_of(model, ["float32", "int8"], calibration=samples)
    for precision, content in zip(["float32", "int8"], contents, strict=True):
        path = tmp_path / f"{precision}.tflite"
        path.write_bytes(content)
        record = compiled(path)
        assert (record.offloaded, record.operators, record.partitions) == (148, 148, 1)
        assert record.refused == ()
        predicted = delegate_report(read_graph(content), "qnn-htp")
        assert (predicted.operators, len(predicted.partitions)) == (148, 1)
        assert op_histogram(record.file.read_bytes()) == {"CUSTOM:DISPATCH_OP": 1}
        assert record.file == tmp_path / f"{precision}_{SOC}.tflite"
        assert record.size_bytes == record.file.stat().st_size > record.source_bytes
        assert record.compile_seconds > 0


def test_what_is_refused_stays_on_the_cpu_and_is_named(zoo_path):
    record = compiled(zoo_path("arithmetic", "int8"))
    (refused,) = record.refused
    assert (refused.op, refused.index) == ("EXP", 15)
    assert "refuses Exp of SFIXED_POINT_8 [1,8,8,8] → SFIXED_POINT_8 [1,8,8,8]" in refused.reason
    assert (record.offloaded, record.operators, record.partitions) == (29, 30, 2)
    assert op_histogram(record.file.read_bytes()) == {"CUSTOM:DISPATCH_OP": 2, "EXP": 1}
    text = str(CompilationReport((record,)))
    assert "29 of 30" in text
    assert "on the CPU EXP×1" in text


def test_what_is_left_without_a_word_is_named_too(flex_file, tmp_path):
    record = compiled(flex_file, output=tmp_path)
    assert (record.offloaded, record.operators) == (1, 2)
    (refused,) = record.refused
    assert (refused.index, refused.op) == (1, "CUSTOM:FlexConv2D")
    assert "is a custom operator" in refused.reason
    assert "on the CPU CUSTOM:FlexConv2D×1" in str(CompilationReport((record,)))


def test_what_a_loop_holds_is_not_taken_for_an_operator_of_the_main_graph(tmp_path):
    path = tmp_path / "lstm.tflite"
    path.write_bytes(lstm_file())
    named = [(refused.index, refused.op) for refused in compiled(path).refused]
    assert named == [(1, "WHILE"), (4, "an operator of a loop's body")]


def test_what_the_plugin_does_not_translate_is_said_so(zoo_path):
    record = compiled(zoo_path("convolutions", batch_size=None))
    assert {refused.op for refused in record.refused} >= {"SHAPE"}
    (shape,) = (refused for refused in record.refused if refused.op == "SHAPE")
    assert shape.reason == "LiteRT's plugin does not translate it"


def test_a_failure_after_the_selection_names_the_operator(zoo_path, tmp_path):
    path = zoo_path("activations")
    with pytest.raises(ToolError) as caught:
        compiled(path)
    assert str(caught.value) == (
        f"{path}: Qualcomm's compiler takes operator 9 (ELU) and then fails on it for SM8350: "
        "could not create op. Replace the layer, convert to int8, or compile for a later chip."
    )
    assert list(tmp_path.iterdir()) == [path]
    assert compiled(path, "sm8550").offloaded == 17  # a later chip takes all


def test_a_file_of_which_nothing_is_taken(tmp_path):
    import tensorflow as tf

    from tflite_tools.quiet import silenced

    arg_max = tf.function(lambda x: tf.argmax(x, 2), [tf.TensorSpec((1, 4, 4), tf.float32)])
    path = tmp_path / "arg_max.tflite"
    with silenced():
        functions = [arg_max.get_concrete_function()]
        converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, tf.Module())
        path.write_bytes(converter.convert())
    message = r"takes none of its \d operators for SM8350: the vendor's library refuses Argmax of"
    with pytest.raises(ToolError, match=message):
        compiled(path)


def test_output_goes_to_a_folder_that_is_made(zoo_path, tmp_path):
    record = compiled(zoo_path("grouped"), output=tmp_path / "new")
    assert record.file == tmp_path / "new" / f"zoo_{SOC}.tflite"
    assert record.file.exists()


def test_wrong_files(zoo_path, tmp_path):
    garbage = tmp_path / "garbage.tflite"
    garbage.write_bytes(b"no model at all")
    once = compiled(zoo_path("grouped")).file
    for path, message in (
        (garbage, "not a TFLite model"),
        (tmp_path / "none" / "x.tflite", "expected a readable .tflite file: No such file"),
        (once, "is compiled already. Give the file that it was made from."),
        (3, "expected a path, got a value of type int"),
    ):
        with pytest.raises(ToolError, match=message):
            compiled(path)


def test_a_file_that_was_changed_since_it_was_written(files, tmp_path):
    path = tmp_path / "changed.tflite"
    path.write_bytes(files["float32"].read_bytes())
    record = json.loads(files["float32"].with_name(f"{files['float32'].name}.json").read_text())
    record["file"]["sha256"] = "0" * 64
    (tmp_path / "changed.tflite.json").write_text(json.dumps(record))
    with pytest.raises(ToolError, match="another SHA-256"):
        compiled(path)


def test_one_file_that_fails_does_not_take_the_others_along(zoo_path):
    good, bad = zoo_path("grouped"), zoo_path("activations", name="bad.tflite")
    told = []
    report = compile_files(
        [bad, good], SOC, sdk_libs=libraries(), progress=lambda *step: told.append(step)
    )
    assert [record.source for record in report.records] == [good]
    assert [failure.source for failure in report.failures] == [bad]
    assert told == [(bad, 0, 1), (bad, 1, 1), (good, 0, 1), (good, 1, 1)]


def test_what_the_compiler_says_must_be_what_it_wrote(zoo_path, tmp_path, monkeypatch):
    path = zoo_path("arithmetic", "int8")
    monkeypatch.setattr(compiling, "read_log", lambda *logs: replace(read_log(*logs), partitions=1))
    with pytest.raises(ToolError, match="reports 1 partitions and 29 of 30 operators, but its"):
        compiled(path)
    assert list(tmp_path.iterdir()) == [path]


def test_files_whose_results_would_have_one_name(zoo_path, tmp_path):
    paths = [zoo_path("grouped", name=f"{folder}/x.tflite") for folder in "ab"]
    with pytest.raises(ToolError, match=r"x_SM8350\.tflite: several of the given files"):
        compile_files(paths, SOC, output=tmp_path, sdk_libs=libraries())
    assert len(compile_files(paths, SOC, sdk_libs=libraries()).records) == 2


def test_the_command(run_cli, zoo_path, tmp_path):
    good, bad = zoo_path("arithmetic", "int8"), tmp_path / "none.tflite"
    arguments = ("compile", good, "--soc", SOC, "--sdk-libs", libraries())
    result = run_cli(*arguments, "-o", tmp_path / "out")
    assert (result.returncode, result.stderr) == (0, "")
    assert "29 of 30" in result.stdout
    result = run_cli(*arguments, bad, "--json")
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    found = json.loads(result.stdout)
    assert found["records"][0]["offloaded"] == 29
    assert found["failures"][0]["source"] == str(bad)
