import csv
import io
import json
import re
import struct
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stored_phone import PHONE

from tflite_tools import report_runs
from tflite_tools.errors import ToolError
from tflite_tools.json_records import record_from
from tflite_tools.naming import distinct
from tflite_tools.printable import shown
from tflite_tools.run_report import FORMATS
from tflite_tools.run_report.charts import accuracy_points, coverage_matrix, latency_bars
from tflite_tools.run_report.csv_tables import measurements_csv
from tflite_tools.run_report.html_page import as_html
from tflite_tools.run_report.markdown import as_markdown
from tflite_tools.run_report.records import FileEntry, Measurement
from tflite_tools.run_report.report import RunReport
from tflite_tools.run_report.scales import scale

HOSTILE = "<script>alert(1)</script> \"'&|*_$x^2$`é\x1b[31m\n模型.tflite"


@pytest.fixture
def made(mixed, run_dir):
    return report_runs(run_dir)


@pytest.fixture
def hostile(keep, planned, evaluate, models, run_dir):
    """Runs of a file and a phone with hostile names."""
    file = models["int8"].rename(models["int8"].with_name(HOSTILE.replace("/", "") + "int8"))
    evaluate({file: 0.5}, source="<b>samples</b>")
    runs = [
        (planned(file, "cpu"), "ok", 900),
        (planned(file, "nnapi:<i>x</i>"), "fallback", 900),
        (planned(file, "gpu"), "partial", 900),
    ]
    keep(runs, device=replace(PHONE, model='<img src=x onerror="a()">', serial="</style>"))
    return run_dir


def test_every_format_has_its_files(mixed, run_dir, tmp_path):
    report_runs(run_dir, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("accuracy.png", "coverage.csv", "coverage.png", "latency.csv", "latency.png"),
        *("report.html", "report.json", "report.md", "report.txt"),
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_alone(mixed, run_dir, tmp_path, name):
    report_runs(run_dir, tmp_path / "out", formats=[name])
    suffix = {"table": ".txt", "markdown": ".md"}.get(name, f".{name}")
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {suffix}


@pytest.mark.parametrize("formats", [["pdf"], [], "html"])
def test_what_is_no_format(mixed, run_dir, formats):
    with pytest.raises(ToolError, match="formats: expected some of table, markdown, json"):
        report_runs(run_dir, formats=formats)


def test_json_holds_everything(made):
    content = json.loads(made.to_json())
    assert record_from(RunReport, content) == made


def test_csv_holds_every_figure(mixed, run_dir, tmp_path):
    made = report_runs(run_dir, tmp_path / "out", formats=["csv"])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/latency.csv").read_text())))
    assert [row["latency_ms"] for row in rows] == [
        "" if m.latency_ms is None else repr(m.latency_ms) for m in made.measurements
    ]
    assert list(rows[0]) == [field.name for field in fields(Measurement)]
    assert [row["file"] for row in rows] == [m.file for m in made.measurements]
    compared = list(csv.DictReader(io.StringIO((tmp_path / "out/coverage.csv").read_text())))
    assert [row["agreement"] for row in compared] == [c.agreement for c in made.comparisons]
    assert [row["predicted_taken"] for row in compared] == [
        str(c.predicted.taken) for c in made.comparisons
    ]


def test_tables_name_everything_that_is_missing_or_wrong(made):
    text = str(made)
    for expected in (
        "cpu: fell back",
        "gpu: wrong",
        "wrong output",
        "unfinished",
        "failed",
        "differs",
        "1/2",
    ):
        assert expected in text


def test_an_accuracy_that_is_not_there_is_a_dash(keep, planned, models, run_dir, tmp_path):
    keep([(planned(models["int8"]), "ok", 900)])
    report_runs(run_dir, tmp_path / "out", formats=["markdown"])
    lines = (tmp_path / "out/report.md").read_text().splitlines()
    (row,) = (line for line in lines if "0.90" in line)
    heading = next(line for line in lines if "top-1" in line).split(" | ")
    assert row.split(" | ")[heading.index("top-1")] == "–"


def test_markdown_is_a_table_whatever_the_names(hostile, tmp_path):
    report_runs(hostile, tmp_path / "out", formats=["markdown"])
    text = (tmp_path / "out/report.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
    assert "<script" not in text.replace(r"\<", "")
    assert "\x1b" not in text


def test_pictures_are_pictures(hostile, tmp_path):
    report_runs(hostile, tmp_path / "out", formats=["png"])
    for name in ("latency", "accuracy", "coverage"):
        content = (tmp_path / f"out/{name}.png").read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", content[16:24])
        assert min(width, height) > 200


def test_the_bars_tell_fallbacks_apart(made):
    bars = {(bar.file, bar.label): bar for bar in latency_bars(made)["samsung SM-G970U"]}
    fell = bars["net_int8.tflite", "nnapi → cpu"]
    assert (fell.kind, fell.remark) == ("cpu", "fell back to the CPU")
    assert bars["net_int8.tflite", "gpu"].remark == "wrong output"
    assert (bars["net_float32.tflite", "gpu"].kind, bars["net_float32.tflite", "gpu"].value) == (
        *("gpu", 1.5),
    )
    assert [bar.file for bar in bars.values()] == sorted(bar.file for bar in bars.values())


def test_the_fastest_is_a_right_figure_of_a_known_delegate(keep, planned, models, run_dir):
    endings = {"cpu": ("ok", 900), "gpu": ("wrong", 100), "nnapi": ("fallback", 200)}
    runs = [(planned(models["int8"], name), *ending) for name, ending in endings.items()]
    keep([*runs, (planned(models["float32"], "gpu"), "silent", 300)])
    page = as_html(report_runs(run_dir))
    assert "<strong>0.90 ms</strong><span>fastest: net_int8.tflite, cpu," in page


def test_points_are_figures_of_the_delegate_with_right_outputs(made):
    (points,) = accuracy_points(made).values()
    assert {(point.number, point.label, point.top1) for point in points} == {
        (1, "cpu, 4 threads", 0.9),
        (1, "gpu", 0.9),
        (2, "cpu, 4 threads", 0.875),
        (2, "hexagon", 0.875),
    }


def test_the_matrix_joins_rules_and_logs(made):
    delegates, rows = coverage_matrix(made)
    row = next(row for row in rows if row.file == "net_int8.tflite")
    coverage, (comparison,) = row.cells[delegates.index("nnapi-31")]
    assert (coverage.delegate, comparison.delegation) == ("nnapi-31", "none")
    assert row.cells[delegates.index("gpu-opengl")][1] == ()


@given(st.floats(0, 1e6), st.floats(1e-6, 1e6))
def test_an_axis_covers_its_values_with_few_round_numbers(low, span):
    axis = scale(low, low + span)
    assert axis.low <= low + 1e-9 * (low + span)
    assert axis.high >= (low + span) * (1 - 1e-9)
    assert 2 <= len(axis.ticks) <= 8
    assert axis.place(axis.low) == 0
    assert axis.place(axis.high) == 1


def test_an_axis_of_one_value():
    assert scale(3.0, 3.0).low <= 3.0 <= scale(3.0, 3.0).high
    assert scale(0.0, 0.0).high > 0


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=6))
def test_names_are_distinct_and_can_be_shown(candidates):
    names = distinct(candidates)
    assert len(set(names)) == len(names)
    assert all(name == shown(name) for name in names)


FIGURE = st.none() | st.floats(0, 1e15)
SHARE = st.none() | st.floats(0, 1)
FIGURES = (
    *("latency_ms", "low_ms", "high_ms", "p95_ms", "runs_per_second", "init_ms", "memory_mb"),
    *("relative_error", "hottest"),
)
MEASUREMENT = st.builds(
    Measurement,
    file=st.sampled_from(["a.tflite", "ü|<b>.tflite"]),
    place=st.sampled_from(["p", "q"]),
    delegate=st.sampled_from(["cpu", "gpu", "nnapi:x"]),
    ran_on=st.sampled_from(["cpu", "gpu", "npu", None]),
    binary=st.sampled_from(["classic", "litert", "host"]),
    program=st.none() | st.text(max_size=5),
    threads=st.integers(1, 64),
    size_bytes=st.none() | st.integers(0, 10**9),
    **dict.fromkeys(("top1", "agreement", "delegated_share"), SHARE),
    **dict.fromkeys(FIGURES, FIGURE),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(MEASUREMENT, max_size=5))
def test_whatever_the_figures_every_text_can_be_written(measurements):
    files = tuple(
        FileEntry(name, Path(name), None, None, None, None, (), "gone")
        for name in ("a.tflite", "ü|<b>.tflite")
    )
    made = RunReport(Path("runs"), files, (), tuple(measurements), (), (), ())
    for text in (as_html(made), as_markdown(made), str(made), measurements_csv(measurements)):
        assert not re.search(r"\b(nan|inf)\b", text)
    places = re.findall(r'\b(?:x|x1|x2|cx)="([^"]*)%"', as_html(made))
    assert all(0 <= float(place) <= 101 for place in places)
