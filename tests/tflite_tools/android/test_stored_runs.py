"""Runs read back from disk, without the phone."""

import dataclasses
import json
import shutil

import pytest

from tflite_tools import benchmark_android
from tflite_tools.android.stored_runs import load_phone
from tflite_tools.errors import ToolError


@pytest.fixture
def benchmark(adb_env, binary, files, tmp_path):
    """Function that benchmarks a copy of a file, and returns the report and the phone's folder."""
    file = tmp_path / "é model.tflite"
    shutil.copy(files["float32"], file)

    def run(**arguments):
        arguments = {"runs": 5, "repeats": 2, "cool_down": 0.0, **arguments}
        report = benchmark_android([file], tmp_path / "out", binaries=[binary], **arguments)
        (record,) = (tmp_path / "out").glob("*/phone.json")
        return report, record.parent

    return run


def test_the_same_records_as_with_the_phone(phone, benchmark):
    behaviours = ["ok", "fallback", "wrong", "crash", "no output", "partial"]
    phone.engine.behaviour = lambda number, flags: behaviours[number]
    report, folder = benchmark(delegates=("cpu", "gpu"), repeats=3)
    loaded = load_phone(folder)
    assert loaded.device == report.devices[0]
    assert loaded.unfinished == loaded.damaged == loaded.unchecked == ()
    assert sorted(loaded.runs, key=str) == sorted(report.runs, key=str)
    kinds = sorted(run.problem_kind for run in loaded.runs if run.problem)
    assert kinds == ["failed", "fell back", "wrong output", "wrong output"]


def test_without_the_file_outputs_are_not_compared(phone, benchmark, tmp_path):
    report, folder = benchmark()
    file = tmp_path / "é model.tflite"
    file.write_bytes(file.read_bytes() + b"\0")
    loaded = load_phone(folder)
    assert loaded.runs == tuple(dataclasses.replace(run, output=None) for run in report.runs)
    (line,) = loaded.unchecked
    assert line == f"{file}: is not the file that was run any more. Its outputs were not compared."
    file.unlink()
    (line,) = load_phone(folder).unchecked
    assert "cannot be read: No such file" in line


def test_what_was_asked_for_and_is_not_there(phone, benchmark):
    phone.engine.behaviour = lambda number, flags: "unplug" if number == 1 else "ok"
    report, folder = benchmark(delegates=("cpu", "gpu"))
    assert len(report.runs) == 1
    loaded = load_phone(folder)
    assert loaded.runs == report.runs
    assert [(run.delegate, run.repeat) for run in loaded.unfinished] == [
        ("gpu", 1),
        ("cpu", 2),
        ("gpu", 2),
    ]
    (log,) = loaded.partial_logs.values()
    assert list(loaded.partial_logs) == [loaded.unfinished[0].key]
    assert log.read_text().startswith("INFO: STARTING!")


def test_a_damaged_run_is_named_and_the_others_are_read(phone, benchmark):
    _, folder = benchmark()
    first, second = sorted(path for path in folder.glob("*.json") if path.name != "phone.json")
    first.write_text(first.read_text()[:-20])
    second.with_suffix(".log").unlink()
    loaded = load_phone(folder)
    assert loaded.runs == loaded.unfinished == ()
    assert [line.partition(":")[0] for line in loaded.damaged] == [str(first), str(second)]


@pytest.mark.parametrize("field", ["file", "sha256", "argv", "exit_code"])
def test_a_record_of_an_older_version_is_one_line(phone, benchmark, field):
    _, folder = benchmark(repeats=1)
    (record,) = (path for path in folder.glob("*.json") if path.name != "phone.json")
    content = json.loads(record.read_text())
    del content[field]
    record.write_text(json.dumps(content))
    (line,) = load_phone(folder).damaged
    assert f"ValueError: {field} is missing" in line
    assert "Remove it, and the run is repeated." in line


def test_a_damaged_record_of_the_phone(phone, benchmark):
    _, folder = benchmark(repeats=1)
    (folder / "phone.json").write_text("{}")
    with pytest.raises(ToolError, match=r"phone\.json: not the record of a phone \(device is mis"):
        load_phone(folder)


def test_the_tolerance_is_kept(phone, benchmark):
    phone.engine.behaviour = lambda number, flags: "wrong"
    report, folder = benchmark(repeats=1, tolerance=100.0)
    assert report.passed
    assert load_phone(folder).runs == report.runs
