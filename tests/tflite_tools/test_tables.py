import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tflite_tools.tables import as_text, file_table, formatted, milliseconds, to_json


@dataclass(frozen=True)
class Figures:
    file: Path
    share: float | None


def test_a_row_for_each_file():
    table = file_table("Files", ("KiB", "top-1"), caption="On 5 samples.")
    table.add_row("net.tflite", "12", formatted(0.5, ".1%"))
    lines = as_text(table).splitlines()
    assert lines[0].strip() == "Files"
    assert [cell.strip() for cell in lines[4].strip("│").split("│")] == [
        "net.tflite",
        "12",
        "50.0%",
    ]
    assert lines[-1].strip() == "On 5 samples."


def test_what_does_not_exist_is_a_dash():
    assert formatted(None, ".1%") == "–"
    assert formatted(0.0, ".1%") == "0.0%"


def test_json_keeps_paths_as_text_and_has_no_nan():
    assert json.loads(to_json(Figures(Path("a/b"), None))) == {"file": "a/b", "share": None}
    for share in (float("nan"), float("-inf")):
        assert json.loads(to_json(Figures(Path("a"), share))) == {"file": "a", "share": None}


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.00"), (0.0034, "0.0034"), (0.25, "0.25"), (12.3456, "12.35")],
)
def test_milliseconds_of_small_models(value, text):
    assert milliseconds(value) == text
