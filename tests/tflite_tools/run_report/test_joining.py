import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.odd_files import lstm_file
from support.stored_phone import PHONE, STATE

from tflite_tools import report_runs
from tflite_tools.run_report.html_page import as_html
from tflite_tools.run_report.sections import file_section


def row_of(report, file, delegate, **wanted):
    (row,) = (
        row
        for row in report.measurements
        if (row.file, row.delegate) == (file, delegate)
        and all(getattr(row, name) == value for name, value in wanted.items())
    )
    return row


def test_repetitions_are_one_row(mixed, run_dir):
    row = row_of(report_runs(run_dir), "net_float32.tflite", "cpu")
    assert (row.place, row.ran_on, row.fell_back) == ("samsung SM-G970U", "cpu", False)
    assert (row.latency_ms, row.low_ms, row.high_ms) == (3.1, 3.0, 3.2)
    assert row.runs_per_second == pytest.approx(1000 / 3.1)
    assert (row.measured, row.repeats, row.runs, row.threads) == (2, 2, 100, 4)
    assert (row.top1, row.hottest, row.relative_error) == (0.9, 35.0, 0.0)


def test_a_failed_repetition_counts_and_has_no_row_of_its_own(mixed, run_dir):
    report = report_runs(run_dir)
    row = row_of(report, "net_float32.tflite", "gpu")
    assert (row.measured, row.repeats, row.latency_ms, row.ran_on) == (1, 2, 1.5, "gpu")
    (problem,) = (p for p in report.problems if p.kind == "failed")
    assert (problem.delegate, problem.repeat, problem.reason) == (
        *("gpu", 2, "ended by the signal SIGSEGV"),
    )
    assert problem.log.read_text().startswith("INFO: STARTING!")


def test_a_fallback_is_the_cpus_and_no_failure(mixed, run_dir):
    report = report_runs(run_dir)
    row = row_of(report, "net_int8.tflite", "nnapi")
    assert (row.ran_on, row.fell_back, row.latency_ms) == ("cpu", True, 0.95)
    (problem,) = (p for p in report.problems if p.kind == "fell back")
    assert not problem.failed
    assert "nnapi fell back to the CPU" in problem.reason


def test_a_wrong_output_is_marked_and_a_failure(mixed, run_dir):
    report = report_runs(run_dir)
    assert row_of(report, "net_int8.tflite", "gpu").wrong_output
    assert not row_of(report, "net_int8.tflite", "cpu").wrong_output
    (problem,) = (p for p in report.problems if p.kind == "wrong output")
    assert problem.failed


@pytest.mark.parametrize("ending", ["wrong", "cut", "none"])
def test_what_is_no_output_is_a_wrong_one(ending, keep, planned, models, run_dir):
    fast, slow = planned(models["float32"], "gpu"), planned(models["float32"])
    keep([(fast, ending, 100), (slow, "ok", 9000)])
    report = report_runs(run_dir)
    assert row_of(report, "net_float32.tflite", "gpu").wrong_output
    assert not report.passed
    assert [problem.kind for problem in report.problems] == ["wrong output"]
    assert "fastest: net_float32.tflite, cpu" in as_html(report)


def test_what_was_not_finished_is_listed(mixed, run_dir):
    report = report_runs(run_dir)
    (problem,) = (p for p in report.problems if p.kind == "unfinished")
    assert (problem.file, problem.delegate, problem.repeat) == ("net_int8.tflite", "cpu", 2)
    assert problem.failed
    assert (problem.reason.partition(":")[0], problem.log) == ("not run yet", None)
    assert not report.passed


def test_a_run_that_was_broken_off_has_its_log(mixed, run_dir):
    (planned,) = (p for p in report_runs(run_dir).problems if p.kind == "unfinished")
    key = json.loads((mixed / "phone.json").read_text())["planned"][-1]["key"]
    (mixed / f"{key}.partial.log").write_text("INFO: STARTING!")
    (problem,) = (p for p in report_runs(run_dir).problems if p.kind == "unfinished")
    assert problem.reason.startswith("broken off while it ran")
    assert problem.log == mixed / f"{key}.partial.log"
    assert (problem.file, problem.delegate) == (planned.file, planned.delegate)


def test_a_phone_that_was_too_warm_or_asleep(keep, planned, models, run_dir):
    warm = replace(STATE, thermal_status=2, screen_on=False)
    keep([(planned(models["int8"]), "ok", 900)], state=warm)
    report = report_runs(run_dir)
    assert [problem.kind for problem in report.problems] == ["slowed down"]
    assert report.passed
    (note,) = report.notes
    assert "screen was off" in note


def test_only_fallbacks_pass(keep, planned, models, run_dir):
    keep([(planned(models["int8"], "gpu"), "fallback", 900)])
    assert report_runs(run_dir).passed


def test_a_log_that_does_not_say_who_ran_it(keep, planned, models, run_dir):
    keep([(planned(models["int8"], "gpu"), "silent", 900)])
    report = report_runs(run_dir)
    assert report.measurements[0].ran_on is None
    assert [problem.kind for problem in report.problems] == ["unclear"]
    assert report.comparisons[0].agreement == "not logged"


def test_all_runs_failed(keep, planned, models, run_dir):
    keep([(planned(models["int8"], "gpu"), "refused", 0)])
    (row,) = report_runs(run_dir).measurements
    assert (row.latency_ms, row.ran_on, row.measured, row.repeats) == (None, None, 0, 1)


def test_settings_that_differ_are_rows_of_their_own(keep, planned, models, run_dir):
    file = models["int8"]
    profiled = planned(file, extra=("--enable_op_profiling=true",))
    keep([(planned(file), "ok", 900), (planned(file, threads=1), "ok", 1900), (profiled, "ok", 2)])
    rows = report_runs(run_dir).measurements
    assert [(row.threads, row.op_profile, row.latency_ms) for row in rows] == [
        *((4, False, 0.9), (1, False, 1.9), (4, True, 0.002)),
    ]


def test_accuracy_is_joined_by_content(keep, planned, evaluate, models, tmp_path, run_dir):
    elsewhere = Path(shutil.copy(models["int8"], tmp_path / "renamed.tflite"))
    evaluate({elsewhere: 0.5})
    keep([(planned(models["int8"]), "ok", 900)])
    report = report_runs(run_dir)
    assert len(report.files) == 1
    assert report.measurements[0].top1 == 0.5


def test_another_content_of_the_same_name_is_another_file(
    keep, planned, evaluate, models, tmp_path, run_dir
):
    other = tmp_path / models["int8"].name
    shutil.copy(models["float32"], other)
    evaluate({other: 0.5})
    keep([(planned(models["int8"]), "ok", 900)])
    report = report_runs(run_dir)
    assert report.measurements[0].top1 is None
    assert sorted(file.name for file in report.files) == sorted(
        [f"models/{other.name}", f"{tmp_path.name}/{other.name}"]
    )


def test_without_a_hash_the_name_decides(keep, planned, evaluate, models, run_dir):
    path = evaluate({models["int8"]: 0.5}, hashed=False)
    path.write_text(path.read_text().replace(str(models["int8"]), "elsewhere/net_int8.tflite"))
    keep([(planned(models["int8"]), "ok", 900)])
    report = report_runs(run_dir)
    assert [file.name for file in report.files] == ["net_int8.tflite"]
    assert report.measurements[0].top1 == 0.5


def test_a_name_of_two_files_is_not_guessed(keep, planned, evaluate, models, tmp_path, run_dir):
    other = tmp_path / models["int8"].name
    shutil.copy(models["float32"], other)
    keep([(planned(models["int8"]), "ok", 900), (planned(other, "gpu"), "ok", 900)])
    path = evaluate({models["int8"]: 0.5}, hashed=False)
    path.write_text(path.read_text().replace(str(models["int8"]), "elsewhere/net_int8.tflite"))
    report = report_runs(run_dir)
    assert [row.top1 for row in report.measurements] == [None, None]
    assert any("2 files have this name" in note for note in report.notes)


def test_the_evaluation_of_most_samples_counts_and_others_are_named(
    keep, planned, evaluate, models, run_dir
):
    evaluate({models["int8"]: 0.5}, samples=100)
    evaluate({models["int8"]: 0.6}, samples=300, source="more")
    keep([(planned(models["int8"]), "ok", 900)])
    report = report_runs(run_dir)
    assert report.measurements[0].top1 == 0.6
    (note,) = report.notes
    assert note.startswith(str(run_dir / "evaluation.json"))


def test_a_file_that_is_gone_keeps_its_rows(mixed, run_dir, models):
    models["int8"].unlink()
    report = report_runs(run_dir)
    row = row_of(report, "net_int8.tflite", "cpu")
    assert (row.latency_ms, row.top1, row.size_bytes, row.relative_error) == (
        0.9,
        0.875,
        None,
        None,
    )
    (file,) = (file for file in report.files if file.name == "net_int8.tflite")
    assert "is not there any more" in file.missing
    assert not any(one.file == "net_int8.tflite" for one in report.coverage)
    assert any("were not compared" in note for note in report.notes)


def test_a_file_that_changed_is_not_inspected(mixed, run_dir, models):
    models["int8"].write_bytes(models["float32"].read_bytes())
    report = report_runs(run_dir)
    (file,) = (file for file in report.files if file.name == "net_int8.tflite")
    assert "is not the file any more" in file.missing


def test_two_phones_of_one_model(keep, planned, models, run_dir):
    for serial in ("S1", "S2"):
        keep([(planned(models["int8"]), "ok", 900)], device=replace(PHONE, serial=serial))
    report = report_runs(run_dir)
    names = [place.name for place in report.places]
    assert names == ["samsung SM-G970U (S1)", "samsung SM-G970U (S2)"]
    assert [row.place for row in report.measurements] == names


def test_runs_in_folders_of_the_folder_are_found_and_the_report_is_not(mixed, run_dir):
    made = report_runs(run_dir.parent)
    assert made.measurements == report_runs(run_dir, run_dir / "report").measurements
    assert report_runs(run_dir.parent).files == made.files


def test_only_evaluations_make_a_report_of_files(evaluate, models, run_dir):
    evaluate({models["float32"]: 0.9})
    report = report_runs(run_dir)
    assert (report.measurements, report.places, report.passed) == ((), (), True)
    assert report.files[0].accuracy.top1 == 0.9
    assert {one.target for one in report.coverage} == {"generic-android"}


def test_a_target_replaces_each_phones_own(mixed, run_dir):
    assert {one.target for one in report_runs(run_dir).coverage} == {"snapdragon-855"}
    made = report_runs(run_dir, target="kirin-980")
    assert {one.target for one in made.coverage} == {"kirin-980"}
    assert made.places[0].target == "kirin-980"


def test_what_loops_run_is_said_not_to_be_counted(keep, planned, evaluate, models, run_dir):
    loop = models["int8"].with_name("loop.tflite")
    loop.write_bytes(lstm_file())
    evaluate({loop: 0.5})
    keep([(planned(models["int8"]), "ok", 900)])
    report = report_runs(run_dir)
    assert report.notes == ("loop.tflite: there are more MACs: what WHILE runs is not counted.",)
    macs = {row[0].text: row[3].text for row in file_section(report).rows}
    assert macs["loop.tflite"] == "≥ 0.0"
    assert not macs[models["int8"].name].startswith("≥")
