import json
from dataclasses import replace
from pathlib import Path

import pytest

from tflite_tools.evaluation_report import EvaluationReport
from tflite_tools.gates import gate_results
from tflite_tools.records import (
    ChangedChoice,
    EvaluationRecord,
    LabelFigures,
    ReferenceRecord,
    WorseClass,
)
from tflite_tools.tables import print_report

FLOAT = EvaluationRecord(Path("out/a_float32.tflite"), 200, 0.98, 1.0, 2e-6, 1e-7, 1.0, 0.012, ())
INT8 = replace(
    FLOAT,
    file=Path("out/a_int8.tflite"),
    top1=0.97,
    agreement=0.965,
    changed=tuple(ChangedChoice(i, i + 1, 8 - i) for i in range(7)),
    worse_classes=(WorseClass(2, 20, 19, 17),),
)


@pytest.fixture
def report():
    return EvaluationReport(
        (FLOAT, INT8),
        reference=ReferenceRecord("a.keras", LabelFigures(0.981, 1.0, 0.011)),
        source="digits (test)",
        class_names=("zero", "one", "two", "three", "four", "five", "six", "seven"),
        gates=gate_results([FLOAT, INT8], min_accuracy=0.975),
    )


def cells(text, name):
    (row,) = (line for line in text.splitlines() if f" {name} " in line and "%" in line)
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_the_reference_stands_first(report):
    text = str(report)
    assert [line.split()[1] for line in text.splitlines() if "%" in line] == [
        "a.keras",
        "a_float32.tflite",
        "a_int8.tflite",
    ]
    assert cells(text, "a.keras")[1:] == ["98.10%", "100.00%", "1.10%", "–", "–", "–"]
    assert cells(text, "a_int8.tflite")[1:5] == ["97.00%", "100.00%", "1.20%", "96.50%"]
    assert "On 200 samples from digits (test)." in text


def test_what_changed_by_name(report):
    text = str(report)
    assert "zero → one: 8" in text
    assert "four → five: 4" in text
    assert "five → six" not in text
    assert "and 2 more" in text
    assert "two: 19 → 17 of 20" in text
    assert " 35 " in text  # samples in all


def test_a_narrow_terminal_loses_no_figure(report, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_report(report, as_json=False)
    printed = capsys.readouterr().out
    assert "…" not in printed
    for cell in ("98.10%", "100.00%", "96.50%", "2.0e-06", "1.0e-07", "zero → one: 8"):
        assert cell in printed


def test_classes_without_names_are_numbers(report):
    assert "0 → 1: 8" in str(replace(report, class_names=None))


def test_columns_that_nothing_has_are_left_out(report):
    plain = replace(FLOAT, top5=None, agreement=None, max_abs_error=None, mean_abs_error=None)
    text = str(EvaluationReport((plain,), reference=None, source="x"))
    for heading in ("top-5", "same top-1", "max error", "reference", "changed"):
        assert heading not in text
    assert "top-1" in text


def test_same_names_in_several_folders(report):
    other = replace(FLOAT, file=Path("old/a_float32.tflite"))
    text = str(replace(report, records=(FLOAT, other)))
    assert "out/a_float32.tflite" in text
    assert "old/a_float32.tflite" in text


def test_markup_in_names_is_text(report):
    odd = replace(INT8, file=Path("[red]x.tflite"))
    text = str(replace(report, records=(odd,), source="[b]d[/b]", class_names=("[i]",) * 8))
    for name in ("[red]x.tflite", "[b]d[/b]", "[i] → [i]"):
        assert name in text


def test_json_holds_everything(report):
    loaded = json.loads(report.to_json())
    assert loaded["reference"]["figures"]["top1"] == 0.981
    assert loaded["records"][1]["file"] == "out/a_int8.tflite"
    assert loaded["records"][1]["changed"][0] == {
        "reference_class": 0,
        "file_class": 1,
        "count": 8,
    }
    assert [gate["passed"] for gate in loaded["gates"]] == [True, False]
