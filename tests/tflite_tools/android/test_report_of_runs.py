"""From a stand-in phone to a report, with nothing but the folder in between."""

import shutil

import pytest

from tflite_tools import benchmark_android, report_runs


@pytest.fixture
def folder(adb_env, new_phone, binary, files, tmp_path):
    """Runs on two phones, on one of which they fall back and fail; and what was reported."""
    copies = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for precision, copy in zip(("float32", "int8"), copies, strict=True):
        shutil.copy(files[precision], copy)
    sound, other = new_phone(), new_phone(properties={"ro.build.version.sdk": "29"})
    sound.engine.behaviour = lambda number, flags: "ok"
    endings = ["ok", "ok", "fallback", "partial", "refused", "crash"]
    other.engine.behaviour = lambda number, flags: endings[number]
    report = benchmark_android(
        copies,
        tmp_path / "runs",
        binaries=[binary],
        delegates=("cpu", "gpu", "nnapi"),
        runs=5,
        repeats=1,
        cool_down=0.0,
    )
    assert len(report.runs) == 12
    return tmp_path / "runs", report


def test_the_report_is_what_the_benchmark_said(folder):
    path, benchmark = folder
    report = report_runs(path)
    serials = {place.details.rpartition(" ")[2]: place.name for place in report.places}
    rows = {(row.place, row.file, row.delegate): row for row in report.measurements}
    assert len(rows) == len(report.measurements) == len(benchmark.summaries) == 12
    for summary in benchmark.summaries:
        row = rows[serials[summary.serial], summary.file.name, summary.delegate]
        assert (row.latency_ms, row.p95_ms, row.memory_mb, row.relative_error) == (
            *(summary.latency_ms, summary.p95_ms, summary.memory_mb, summary.relative_error),
        )
        assert row.ran_on == (summary.ran_on if summary.measured else None)
        assert row.threads == summary.num_threads
    kinds = sorted(problem.kind for problem in report.problems)
    assert kinds == ["failed", "failed", "fell back"]
    assert {row.rule for row in report.comparisons if row.delegate == "nnapi"} == {
        *("nnapi-29", "nnapi-31"),
    }
    partial = [row for row in report.comparisons if row.delegation == "partial"]
    assert [(row.file, row.taken) for row in partial] == [("b.tflite", partial[0].nodes - 1)]


def test_files_of_one_name_are_told_apart(adb_env, new_phone, binary, files, tmp_path):
    copies = [tmp_path / folder / "a.tflite" for folder in ("first", "second")]
    for precision, copy in zip(("float32", "int8"), copies, strict=True):
        copy.parent.mkdir()
        shutil.copy(files[precision], copy)
    endings = ["ok", "crash"]
    new_phone().engine.behaviour = lambda number, flags: endings[number]
    report = benchmark_android(
        copies,
        tmp_path / "runs",
        binaries=[binary],
        delegates=("cpu",),
        runs=5,
        repeats=1,
        cool_down=0.0,
    )
    assert "first/a.tflite" in str(report)
    (line,) = (line for line in report.complaints() if "run 1:" in line)
    assert "second/a.tflite, cpu" in line
