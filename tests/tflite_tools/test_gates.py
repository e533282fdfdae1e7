from dataclasses import replace
from pathlib import Path

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.gates import gate_results, parse_share
from tflite_tools.records import EvaluationRecord

RECORD = EvaluationRecord(Path("a.tflite"), 100, 0.97, 0.5, 0.1, 0.01)


@pytest.mark.parametrize(
    ("text", "share"),
    [("0.97", 0.97), ("97%", 0.97), (" 97.5 % ", 0.975), ("1", 1), ("0", 0), ("100%", 1)],
)
def test_shares_and_percentages(text, share):
    assert parse_share(text, "--min-accuracy") == share


def test_nothing_asked_for():
    assert parse_share(None, "--min-accuracy") is None
    assert gate_results([RECORD]) == ()


@pytest.mark.parametrize("text", ["97", "1.01", "-0.1", "101%", "nan", "inf", "", "%", "9%7", "a"])
def test_anything_else_is_refused(text):
    with pytest.raises(ToolError, match=r"--min-accuracy: expected a share .* 97%, got"):
        parse_share(text, "--min-accuracy")


@pytest.mark.parametrize(("wanted", "passed"), [(0.97, True), (0.9701, False), (0.0, True)])
def test_a_gate_passes_from_its_share_on(wanted, passed):
    (result,) = gate_results([RECORD], min_accuracy=wanted)
    assert result.passed == passed
    assert (result.figure, result.got, result.file) == ("accuracy", 0.97, Path("a.tflite"))


def test_every_file_meets_every_gate():
    other = replace(RECORD, file=Path("b.tflite"), agreement=0.9996)
    results = gate_results([RECORD, other], min_accuracy=0.9, min_agreement=0.99975)
    assert [(result.file.name, result.figure, result.passed) for result in results] == [
        ("a.tflite", "accuracy", True),
        ("a.tflite", "agreement", False),
        ("b.tflite", "accuracy", True),
        ("b.tflite", "agreement", False),
    ]


def test_the_message_says_file_wanted_and_got():
    (result,) = gate_results([RECORD], min_accuracy=0.9701)
    assert str(result) == (
        "a.tflite: expected accuracy of at least 0.9701, got 0.9700 (97 of 100 samples)."
    )
