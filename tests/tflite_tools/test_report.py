import json
from dataclasses import replace
from pathlib import Path

from tflite_tools.report import ConversionReport
from tflite_tools.tables import print_report


def test_str_is_the_table(report):
    text = str(report)
    assert f"Files in {report.records[0].file.parent}" in text.replace("\n", "").replace("  ", "")
    for record in report.records:
        (row,) = (line for line in text.splitlines() if record.file.name in line)
        assert f" {record.size_bytes / 1024:.0f} " in row
        assert f"{record.evaluation.agreement:.1%}" in row
        assert f"{record.evaluation.max_abs_error:.1e}" in row
    assert "CONV_2D×2" in text
    assert "Compared with the Keras model on the 50 calibration samples, as no inputs" in text
    assert "int8 calibrated on 50 samples with values from" in text
    assert "DEQUANTIZE unpacks" in text
    assert "\x1b" not in text


def test_captions_say_only_what_applies(report):
    plain = ConversionReport(report.records[:1], "the 7 given inputs", None)
    assert "the 7 given inputs" in str(plain)
    assert "calibrated" not in str(plain)
    assert "unpacks" not in str(plain)


def test_everything_odd_about_the_calibration_is_said(report):
    odd = replace(
        report.calibration,
        samples=9,
        min=0.0,
        max=250.0,
        mean=(100.0, 1.23456),
        std=(2.0, 3.0),
        source="pets[old]/",
        percentile=99.9,
        trained_range=(-2.118, 2.64),
        warnings=("the first [thing].", "the second."),
    )
    lines = [line.strip() for line in str(replace(report, calibration=odd)).splitlines()]
    said = lines[
        lines.index("int8 calibrated on 9 samples with values from 0 to 250: pets[old]/.") :
    ]
    assert said[1:6] == [
        "By channel: mean 100, 1.23; deviation 2, 3.",
        "In training the values ran from -2.12 to 2.64, as the model card says.",
        "The ranges of the activations are cut to the percentile 99.9.",
        "Warning: the first [thing].",
        "Warning: the second.",
    ]
    loaded = json.loads(replace(report, calibration=odd).to_json())["calibration"]
    assert loaded["warnings"] == list(odd.warnings)
    assert loaded["trained_range"] == [-2.118, 2.64]


def test_a_model_without_classes_has_no_agreement(report):
    record = report.records[0]
    evaluation = replace(record.evaluation, agreement=None)
    text = str(ConversionReport((replace(record, evaluation=evaluation),), "inputs", None))
    assert "│          – │" in text


def test_json_holds_every_figure(report, capsys):
    print_report(report, as_json=True)
    loaded = json.loads(capsys.readouterr().out)
    assert loaded["samples_from"] == report.samples_from
    assert loaded["calibration"]["min"] == report.calibration.min
    assert loaded["calibration"]["mean"] == list(report.calibration.mean)
    for record, original in zip(loaded["records"], report.records, strict=True):
        assert record["file"] == str(original.file)
        assert record["ops"] == original.ops
        assert record["evaluation"]["max_abs_error"] == original.evaluation.max_abs_error


def test_a_narrow_terminal_loses_nothing(report, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_report(report, as_json=False)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    for record in report.records:
        assert record.file.name in printed
    assert "DEPTHWISE_CONV_2D×1" in printed


def test_brackets_in_names_are_not_taken_for_markup(report):
    record = replace(report.records[0], file=Path("[red]") / "net[bold].tflite")
    text = str(ConversionReport((record,), "inputs", None))
    assert "Files in [red]" in text
    assert "net[bold].tflite" in text
