import json
import random
from pathlib import Path

import keras
import pytest

from tflite_tools import inspect_model
from tflite_tools.errors import ToolError
from tflite_tools.inspection import ModelReport, TensorReport
from tflite_tools.inspection_report import InspectionReport
from tflite_tools.interpreter import LiteModel
from tflite_tools.metadata import ModelMetadata, write_metadata
from tflite_tools.provenance import BUFFER_NAME, encoded, provenance
from tflite_tools.quiet import silenced

METADATA = ModelMetadata(
    name="small [bold]",
    description="five classes",
    license="MIT",
    color_space="RGB",
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
    labels=("ant", "bee", "cat", "dog", "elk", "fox"),
)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A file without anything of ours: as others' converters write it."""
    path = tmp_path_factory.mktemp("bare") / "bare.tflite"
    image = keras.Input((8, 8, 3), name="image")
    other = keras.Input((4,), name="other")
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    model = keras.Model([image, other], [keras.layers.Concatenate()([pooled, other]), pooled])
    with silenced():
        import tensorflow as tf

        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return path


@pytest.fixture(scope="module")
def described(files, tmp_path_factory):
    record = provenance(
        created="2023-11-14T22:13:20Z",
        source={"name": "m.keras", "sha256": "ab" * 32},
        recipe={"precision": "int8"},
        calibration={"sha256": "cd", "samples": 50},
        verification={"agreement": 0.98},
    )
    path = tmp_path_factory.mktemp("described") / "described.tflite"
    content = files["int8"].read_bytes()
    path.write_bytes(write_metadata(content, METADATA, **{BUFFER_NAME: encoded(record)}))
    return path, record


def test_tensors_and_operators(files):
    report = inspect_model(files["float32"])
    (entry,) = report.inputs
    assert (entry.shape, entry.dtype, entry.scale) == ((1, 16, 16, 3), "float32", None)
    assert [(each.shape, each.dtype) for each in report.outputs] == [((1, 5), "float32")]
    assert report.ops["CONV_2D"] == 2
    assert report.size_bytes == files["float32"].stat().st_size


def test_quantization_is_what_the_interpreter_uses(files):
    (entry,) = inspect_model(files["int8"]).inputs
    details = LiteModel(files["int8"])._interpreter.get_input_details()[0]
    assert (entry.name, entry.dtype) == (details["name"], "int8")
    assert (entry.scale, entry.zero_point) == details["quantization"]


def test_costs_of_operators(files):
    report = inspect_model(files["float32"])
    first = report.operators[0]
    assert (first.name, first.macs) == ("CONV_2D", 8 * 8 * 8 * 9 * 3)
    assert first.weight_bytes == (8 * 9 * 3 + 8) * 4
    image, kernel, _ = first.inputs
    assert (image.shape, image.constant, image.scales) == ((1, 16, 16, 3), False, 0)
    assert (kernel.shape, kernel.constant) == ((8, 3, 3, 3), True)
    _, kernel, _ = inspect_model(files["int8"]).operators[0].inputs
    assert (kernel.dtype, kernel.scales) == ("int8", 8)


def test_an_axis_of_any_length(bare):
    inputs = [each.inputs[0] for each in inspect_model(bare).operators if each.name == "MEAN"]
    assert inputs[0].shape == (None, 8, 8, 3)


def test_a_phone_by_name(files):
    report = inspect_model(files["int8"], target="snapdragon-855").target
    assert report.target.npu == "Hexagon 690 DSP"
    assert report.precision == "int8"
    coverage = {found.delegate: found.coverage for found in report.delegates}
    assert coverage["gpu-opencl"] == "full"
    assert coverage["xnnpack"] == coverage["hexagon"] == "partial"
    assert coverage["nnapi-29"] == "none"
    assert "qnn-htp" not in coverage
    assert report.recommended == "hexagon"  # 99 % of the work, and first in order
    assert inspect_model(files["float16"]).target.precision == "float16"


def test_any_phone_by_default(files):
    report = inspect_model(files["float32"]).target
    assert report.target.name == "generic-android"
    assert {found.coverage for found in report.delegates if found.delegate != "hexagon"} == {
        "full",
        "partial",  # nnapi-27, which has no MEAN
    }


def test_a_phone_that_is_unknown(tmp_path):
    with pytest.raises(ToolError, match="target 'pixel' is unknown; there are snapdragon-855"):
        inspect_model(tmp_path / "never read", target="pixel")


def test_delegates_in_the_table(files):
    report = inspect_model(files["int8"], target="snapdragon-710")
    text = str(InspectionReport((report,)))
    assert "delegates of Snapdragon 710 (Vivo X27)" in text
    assert "try first with this int8 file: hexagon" in text
    assert "· SOFTMAX×1 input 0 is int8; expected float32, float16" in text
    assert "are deprecated (NNAPI from Android 15)" in text
    (row,) = (line for line in text.splitlines() if line.startswith("│ DEPTHWISE_CONV_2D"))
    assert [cell.strip() for cell in row.split("│")[1:5]] == [
        "DEPTHWISE_CONV_2D",
        "3",
        "1",
        "4,608",
    ]


def test_metadata_and_provenance(described):
    path, record = described
    report = inspect_model(path)
    assert report.metadata.labels == METADATA.labels
    assert report.metadata.mean == pytest.approx(METADATA.mean)
    assert report.provenance == record


def test_somebody_elses_file(bare):
    report = inspect_model(bare)
    assert report.metadata is report.provenance is None
    assert sorted(entry.shape for entry in report.inputs) == [(None, 4), (None, 8, 8, 3)]
    assert len(report.outputs) == 2


def test_a_file_that_needs_other_operators(flex_file):
    assert inspect_model(flex_file).ops["CUSTOM:FlexConv2D"] == 1


def test_the_table_shows_all_of_it(described):
    path, _ = described
    text = str(InspectionReport((inspect_model(path),)))
    rows = {
        line.split("│")[1].strip(): line.split("│")[2].strip()
        for line in text.splitlines()
        if "│" in line
    }
    assert "int8 (1, 16, 16, 3), value = " in rows["input"]
    assert "CONV_2D×2" in rows["operators"]
    assert rows["name"] == "small [bold]"
    assert rows["license"] == "MIT"
    assert rows["pixels"] == "RGB: (p − [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]"
    assert rows["labels"] == "6: ant, bee, cat, dog, elk, …"
    assert rows["source"] == "m.keras, SHA-256 abababababab…"
    assert rows["recipe"] == "precision int8"
    assert rows["verification"] == "agreement 0.98"


def test_the_table_of_a_file_that_says_nothing(bare):
    text = str(InspectionReport((inspect_model(bare),)))
    for key in ("metadata", "provenance"):
        (row,) = (line for line in text.splitlines() if f"│ {key}" in line)
        assert row.split("│")[2].strip() == "none"
    assert "float32 (any, 8, 8, 3)" in text


def test_zero_points_have_one_sign():
    tensor = TensorReport("x", (1,), "int8", 0.5, -128)
    report = ModelReport(Path("m.tflite"), 1, (tensor,), (), {}, None, None)
    assert "x: int8 (1), value = 0.5 · (q + 128)" in str(InspectionReport((report,)))


def test_json_holds_every_part(described):
    path, record = described
    (model,) = json.loads(InspectionReport((inspect_model(path),)).to_json())["models"]
    assert model["file"] == str(path)
    assert model["inputs"][0]["shape"] == [1, 16, 16, 3]
    assert model["metadata"]["labels"][0] == "ant"
    assert model["provenance"] == record
    assert model["operators"][0]["options"]["stride_w"] == 2
    assert model["operators"][0]["weight_bytes"] > 0
    xnnpack = model["target"]["delegates"][0]
    assert (xnnpack["delegate"], xnnpack["partitions"][0]["operators"][0]) == ("xnnpack", 0)
    assert xnnpack["decisions"][-1]["status"] == "refused"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a TFLite model"),
        (b"no model at all", "not a TFLite model"),
        (b"\x08\x00\x00\x00TFL3", "is damaged"),
    ],
)
def test_what_is_no_model(tmp_path, content, message):
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=rf"x\.tflite: .*{message}"):
        inspect_model(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ToolError, match=r"none\.tflite: expected a readable \.tflite file"):
        inspect_model(tmp_path / "none.tflite")


def test_damaged_files_are_errors_of_one_line(described, tmp_path):
    """Any damage is one message or another content, never another exception."""
    content = described[0].read_bytes()
    chance = random.Random(0)
    path, refused = tmp_path / "damaged.tflite", 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 4, 40])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        try:
            str(InspectionReport((inspect_model(path),)))
        except ToolError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
    assert refused > 20
