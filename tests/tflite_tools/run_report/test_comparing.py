from dataclasses import replace

import pytest
from support import benchmark_logs as logs
from support.stored_phone import PHONE

from tflite_tools import inspect_model, report_runs
from tflite_tools.android.judging import judge
from tflite_tools.android.records_on_disk import FinishedRun
from tflite_tools.run_report.comparing import compared, rule_of
from tflite_tools.run_report.coverage import target_of
from tflite_tools.run_report.delegate_sections import comparison_section
from tflite_tools.run_report.records import Coverage

RULES = Coverage("f", "t", "gpu-opencl", "partial", 66, 68, 0.9, 1, "takes some", ())
NAMES = {"file": "f", "place": "p", "program": None, "rule": "gpu-opencl"}


def comparison(planned, file, log, predicted=RULES, delegate="gpu", code=0):
    run = judge(
        planned(file, delegate), "S1", None, (FinishedRun(code, None, None), log, None), None
    )
    (row,) = compared([run], **NAMES, predicted=predicted)
    return row


@pytest.mark.parametrize(
    ("coverage", "taken", "log", "agreement"),
    [
        ("full", 68, logs.CLASSIC_GPU, "agrees"),
        ("full", 70, logs.CLASSIC_GPU, "agrees"),  # the log counts otherwise, and all were taken
        ("partial", 67, logs.CLASSIC_GPU, "differs"),
        ("none", 0, logs.CLASSIC_GPU, "differs"),
        ("partial", 66, logs.PARTIAL, "agrees"),
        ("partial", 65, logs.PARTIAL, "differs"),
        ("full", 68, logs.PARTIAL, "differs"),
        ("none", 0, logs.FALLBACK, "agrees"),
        ("full", 68, logs.FALLBACK, "differs"),
        ("unknown", 60, logs.CLASSIC_GPU, "undecided"),
        ("full", 68, logs.OF_2019, "not logged"),
        ("full", 68, "", "not logged"),
    ],
)
def test_the_rules_beside_a_log(planned, models, coverage, taken, log, agreement):
    predicted = replace(RULES, coverage=coverage, taken=taken)
    assert comparison(planned, models["int8"], log, predicted).agreement == agreement


def test_what_the_log_says(planned, models):
    row = comparison(planned, models["int8"], logs.PARTIAL)
    assert (row.delegation, row.taken, row.nodes) == ("partial", 66, 68)
    assert row.remark == (
        "ARG_MAX: Operation is not supported; CAST: Not supported Cast case; DEQUANTIZE"
    )


def test_without_rules_there_is_no_verdict(planned, models):
    row = comparison(planned, models["int8"], logs.CLASSIC_GPU, None)
    assert row.agreement == "not predicted"


def test_a_crash_says_nothing_beside_a_run_that_ended(planned, models):
    stored = [
        (FinishedRun(139, None, None), "", None),
        (FinishedRun(0, None, None), logs.PARTIAL, None),
    ]
    runs = [judge(planned(models["int8"], "gpu"), "S1", None, one, None) for one in stored]
    (row,) = compared(runs, **NAMES, predicted=RULES)
    assert row.agreement == "agrees"


def test_repetitions_that_differ_are_two_comparisons(planned, models):
    stored = [(FinishedRun(0, None, None), log, None) for log in (logs.PARTIAL, logs.FALLBACK)]
    runs = [judge(planned(models["int8"], "gpu"), "S1", None, one, None) for one in stored]
    rows = compared(runs, **NAMES, predicted=RULES)
    assert [row.agreement for row in rows] == ["agrees", "differs"]


@pytest.mark.parametrize(
    ("delegate", "level", "rule"),
    [
        ("cpu", 31, "xnnpack"),
        ("gpu", None, "gpu-opencl"),
        ("nnapi", 29, "nnapi-29"),
        ("nnapi:qti-dsp", 35, "nnapi-31"),
        ("nnapi", 26, None),
        ("nnapi", None, None),
        ("hexagon", 31, "hexagon"),
        ("qnn", 31, "qnn-htp"),
    ],
)
def test_which_rules_a_delegate_follows(delegate, level, rule):
    assert rule_of(delegate, level) == rule


@pytest.mark.parametrize(
    ("soc", "target"),
    [
        ("Snapdragon 855", "snapdragon-855"),
        ("Kirin 980", "kirin-980"),
        ("Exynos 9820", "generic-android"),
        (None, "generic-android"),
    ],
)
def test_the_target_of_a_chip(soc, target):
    assert target_of(soc) == target


def test_a_run_folder_is_compared_with_what_inspect_says(mixed, run_dir, models):
    report = report_runs(run_dir)
    inspected = inspect_model(models["int8"], target="snapdragon-855").target
    hexagon = next(d for d in inspected.delegates if d.delegate == "hexagon")
    (row,) = (row for row in report.comparisons if row.delegate == "hexagon")
    assert (row.predicted.coverage, row.predicted.taken) == (hexagon.coverage, hexagon.operators)
    assert row.predicted.mac_share == hexagon.mac_share
    assert (row.delegation, row.taken) == ("partial", len(hexagon.decisions) - 1)
    nnapi = next(row for row in report.comparisons if row.delegate == "nnapi")
    assert (nnapi.rule, nnapi.delegation) == ("nnapi-31", "none")


def test_a_target_without_the_delegate(keep, planned, models, run_dir):
    kirin = replace(PHONE, soc="Kirin 980")
    keep([(planned(models["int8"], "hexagon"), "refused", 0)], device=kirin)
    (row,) = report_runs(run_dir).comparisons
    assert (row.rule, row.predicted, row.agreement) == ("hexagon", None, "not predicted")


def test_two_binaries_of_a_kind_are_compared_apart(keep, planned, models, run_dir):
    """A newer one may hand a delegate more, and the log of one is not the other's."""
    first, second = (
        replace(run, key=f"{run.key}-{program[:3]}", program=program, argv=(program, *run.argv[1:]))
        for program in ("old 1a", "new 2b")
        for run in [planned(models["int8"], "hexagon")]
    )
    keep([(first, "partial", 500), (second, "refused", 0)])
    report = report_runs(run_dir)
    rows = [(row.program, row.delegation) for row in report.comparisons]
    assert rows == [("old", "partial"), ("new", "none")]
    section = comparison_section(report)
    assert [row[2].text for row in section.rows] == ["hexagon, old", "hexagon, new"]


def test_the_program_is_named_where_several_ran(keep, planned, models, run_dir):
    keep([(planned(models["int8"], "hexagon"), "partial", 500)])
    (row,) = report_runs(run_dir).comparisons
    assert row.program is None
