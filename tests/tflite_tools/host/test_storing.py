import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tflite_tools.benchmark_log import OpTime
from tflite_tools.errors import ToolError
from tflite_tools.host import (
    HostRecord,
    HostReport,
    Machine,
    OpsNotTaken,
    load_host_report,
    write_host_report,
)

RECORD = HostRecord(
    file=Path("out/Modell ä.tflite").absolute(),
    sha256="0" * 64,
    num_threads=2,
    runs=15,
    mean_ms=1.5,
    median_ms=1.25,
    p95_ms=2.0,
    std_ms=0.1,
    min_ms=1.0,
    ratio=1.0,
    ratio_spread=(0.9, 1.1),
    cpu_ms=1.2,
    cpu_ratio=None,
    throughput=666.6,
    init_ms=3.0,
    peak_memory_mb=None,
    size_bytes=123456,
    ops_total=9,
    ops_not_taken=(OpsNotTaken("SOFTMAX", 1, "int8"),),
    op_profile=(OpTime("CONV_2D", "conv1", 0.5, 0.4, 1),),
)
REPORT = HostReport(
    Machine("a processor", 2, "a system", "2.3.0", None),
    3,
    (RECORD, replace(RECORD, peak_memory_mb=12.5, ops_not_taken=(), op_profile=())),
)


@pytest.fixture
def stored(tmp_path):
    return write_host_report(REPORT, tmp_path)


def test_there_and_back(stored):
    assert stored.name == "host.json"
    assert load_host_report(str(stored)) == REPORT
    content = json.loads(stored.read_text(encoding="utf-8"))
    assert (content["kind"], content["schema"]) == ("host", 1)
    assert content["records"][0]["ops_not_taken"] == [
        {"op": "SOFTMAX", "count": 1, "reason": "int8", "runs_subgraphs": False}
    ]


def test_a_second_report_of_the_same_takes_the_place_of_the_first(stored):
    other = replace(REPORT, rounds=4)
    assert write_host_report(other, stored.parent) == stored
    assert load_host_report(stored) == other


@pytest.mark.parametrize(
    "change", [{"num_threads": 1}, {"sha256": "1" * 64}, {"file": Path("/b.tflite")}]
)
def test_reports_of_something_else_stay(stored, change):
    other = replace(REPORT, records=(replace(RECORD, **change),))
    path = write_host_report(other, stored.parent)
    assert path.name == "host-2.json"
    assert (load_host_report(stored), load_host_report(path)) == (REPORT, other)
    assert write_host_report(other, stored.parent) == path


def test_a_damaged_file_is_not_replaced(stored):
    stored.write_text("{")
    assert write_host_report(REPORT, stored.parent).name == "host-2.json"
    assert stored.read_text() == "{"


def test_a_path_is_kept_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = replace(REPORT, records=(replace(RECORD, file=Path("a.tflite")),))
    stored = load_host_report(write_host_report(report, Path("runs_of").resolve().parent))
    assert stored.records[0].file == tmp_path / "a.tflite"


def changed(stored, *path_and_value):
    *path, value = path_and_value
    content = part = json.loads(stored.read_text(encoding="utf-8"))
    for step in path[:-1]:
        part = part[step]
    if value is KeyError:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    stored.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("kind", "android"), 'expected a benchmark with "kind": "host"'),
        (("kind", KeyError), 'expected a benchmark with "kind": "host"'),
        (("schema", 2), "expected version 1, got 2"),
        (("records", []), "a benchmark without a record"),
        (("records", {}), "records: expected a list, got '{}'"),
        (("rounds", KeyError), "rounds is missing"),
        (("records", 1, "ratio", "1.0"), r"records\[1\]\.ratio: expected a number, got '1.0'"),
        (("records", 0, "runs", 1.5), r"records\[0\]\.runs: expected int, got '1.5'"),
        (("records", 0, "runs", True), r"records\[0\]\.runs: expected int, got 'True'"),
        (("records", 0, "mean_ms", float("nan")), "not JSON, or cut off: NaN is no figure"),
        (("records", 0, "ratio_spread", [1]), r"ratio_spread: expected 2 values"),
        (("records", 0, "op_profile", 0, "calls", None), r"op_profile\[0\]\.calls: expected int"),
        (("records", 1, "median_ms", -1.0), r"records\[1\]\.median_ms: no benchmark gives -1.0"),
        (("records", 0, "num_threads", -2), r"num_threads: no benchmark gives -2"),
        (("records", 0, "min_ms", 0.0), r"min_ms: no benchmark gives 0.0"),
        (("records", 0, "init_ms", -0.1), r"init_ms: no benchmark gives -0.1"),
        (("records", 0, "ops_not_taken", 0, "count", 10), "ops_not_taken: no benchmark gives"),
        (("records", 0, "min_ms", 1.3), r"median_ms: no benchmark gives 1.25"),
        (("records", 0, "p95_ms", 1.2), r"median_ms: no benchmark gives 1.25"),
        (("records", 0, "mean_ms", 10**400), r"mean_ms: expected a finite number"),
        (("records", 0, "size_bytes", 10**400), r"size_bytes: expected a smaller number"),
        (("records", 0, "file", "a\0b"), r"file: expected a path"),
        (("records", 0, "file", "a\ud800"), r"file: expected a path"),
        (("machine", None), "machine: expected an object, got 'None'"),
    ],
)
def test_a_damaged_report_is_one_line(stored, change, message):
    changed(stored, *change)
    with pytest.raises(ToolError, match=message) as caught:
        load_host_report(stored)
    assert str(caught.value).startswith(f"{stored}: ")
    assert "\n" not in str(caught.value)
    assert "tflite-tools benchmark --host" in str(caught.value)


def test_cut_off_or_altered_anywhere(stored):
    """Whatever is read back is a whole report; nothing else but one line comes of the rest."""
    whole = stored.read_bytes()
    rng = random.Random(0)
    refused = []
    for _ in range(400):
        place = rng.randrange(len(whole))
        other = whole[:place]
        if rng.random() < 0.5:
            other += bytes([rng.randrange(256)]) + whole[place + 1 :]
        stored.write_bytes(other)
        try:
            assert isinstance(load_host_report(stored), HostReport)
        except ToolError as error:
            refused.append(str(error))
    assert len(refused) > 250
    assert not any("\n" in line for line in refused)


@pytest.mark.parametrize("content", ["", "[]", "null", "[" * 10**5, '{"kind": "host"', "\xff"])
def test_what_is_no_report(stored, content):
    stored.write_bytes(content.encode("latin-1"))
    with pytest.raises(ToolError, match=r"host\.json: ") as caught:
        load_host_report(stored)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(ToolError, match="expected a readable report: No such file"):
        load_host_report(tmp_path / "host.json")
