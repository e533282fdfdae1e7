"""Benchmarks of computers, and accuracies on accelerators, in a report."""

import json
from dataclasses import replace

import pytest

from tflite_tools import benchmark_host, inspect_model, report_runs
from tflite_tools.evaluation_file import save_evaluation
from tflite_tools.evaluation_report import EvaluationReport
from tflite_tools.host import OpsNotTaken, load_host_report, write_host_report
from tflite_tools.records import DeviceRecord, EvaluationRecord
from tflite_tools.run_report.charts import coverage_matrix


@pytest.fixture(scope="module")
def benchmark(files):
    """A benchmark of this machine."""
    return benchmark_host([files["float32"], files["int8"]], threads=[1, 2], rounds=2, warmup=0)


@pytest.fixture
def host(benchmark, models, run_dir):
    """The same of the test's own copies of the files, kept in its folder."""
    copies = [models["float32"], models["int8"]] * 2
    records = zip(benchmark.records, copies, strict=True)
    report = replace(benchmark, records=tuple(replace(r, file=file) for r, file in records))
    write_host_report(report, run_dir)
    return report


def test_figures_are_those_of_the_benchmark(host, evaluate, models, run_dir):
    evaluate({models["int8"]: 0.875})
    report = report_runs(run_dir)
    assert report.passed
    assert [place.name for place in report.places] == [host.machine.cpu]
    for row, record in zip(report.measurements, host.records, strict=True):
        assert (row.file, row.threads) == (record.file.name, record.num_threads)
        assert (row.latency_ms, row.low_ms, row.p95_ms) == (
            *(record.median_ms, record.min_ms, record.p95_ms),
        )
        assert row.low_ms <= row.latency_ms <= row.high_ms
        assert (row.runs, row.runs_per_second) == (record.runs, 1000 / row.latency_ms)
        assert (row.memory_mb, row.init_ms) == (record.peak_memory_mb, record.init_ms)
        assert row.top1 == (0.875 if "int8" in row.file else None)
        assert (row.ran_on, row.fell_back, row.wrong_output) == ("cpu", False, False)


def test_what_xnnpack_took_stands_beside_its_rules(host, models, run_dir):
    report = report_runs(run_dir)
    assert [row.file for row in report.comparisons] == ["net_float32.tflite", "net_int8.tflite"]
    for row, file in zip(report.comparisons, models.values(), strict=True):
        target = inspect_model(file).target
        rules = next(d for d in target.delegates if d.delegate == "xnnpack")
        assert (row.predicted.taken, row.predicted.coverage) == (rules.operators, rules.coverage)
        assert row.agreement == "agrees"


def test_an_operator_that_was_not_taken_makes_a_difference(host, run_dir):
    refused = (OpsNotTaken("SOFTMAX", 1, "a reason"),)
    first, *others = host.records
    report = replace(host, records=(replace(first, ops_not_taken=refused), *others))
    write_host_report(report, run_dir)
    (row,) = (row for row in report_runs(run_dir).comparisons if row.agreement != "agrees")
    assert (row.agreement, row.delegation, row.taken) == ("differs", "partial", row.nodes - 1)
    assert row.remark == "not taken: SOFTMAX×1"


def test_hosts_and_phones_in_one_report(host, keep, planned, models, run_dir):
    keep([(planned(models["int8"]), "ok", 900)])
    report = report_runs(run_dir)
    assert [place.name for place in report.places] == [host.machine.cpu, "samsung SM-G970U"]
    assert len(report.files) == 2
    assert len(report.measurements) == 5
    assert {one.target for one in report.coverage} == {"snapdragon-855"}


def test_a_computers_verdict_is_not_a_phones(host, keep, planned, models, run_dir):
    def verdicts():
        delegates, rows = coverage_matrix(report_runs(run_dir))
        (row,) = (row for row in rows if "int8" in row.file)
        return [comparison.place for comparison in row.cells[delegates.index("xnnpack")][1]]

    assert verdicts() == [host.machine.cpu]
    keep([(planned(models["int8"]), "ok", 900)])
    assert verdicts() == ["samsung SM-G970U"]


def test_what_is_doubtful_is_a_note(host, run_dir):
    write_host_report(
        replace(host, machine=replace(host.machine, load=64.0), problems=("it was cold",)), run_dir
    )
    notes = report_runs(run_dir).notes
    assert notes[0] == f"{host.machine.cpu}: it was cold"
    assert "a load of 64.0" in notes[1]


def test_a_damaged_benchmark_is_named(host, mixed, run_dir):
    (run_dir / "host.json").write_text(json.dumps({"kind": "host"}))
    report = report_runs(run_dir)
    (line,) = report.damaged
    assert line.startswith(f"{run_dir / 'host.json'}: ")
    assert {row.binary for row in report.measurements} == {"classic"}


def test_a_file_beside_the_runs_is_found_by_its_content(host, models, run_dir):
    for file in models.values():
        file.rename(run_dir.parent / file.name)
    report = report_runs(run_dir)
    assert [file.missing for file in report.files] == [None, None]
    (run_dir.parent / models["int8"].name).write_bytes(models_content(host))
    assert [file.missing is None for file in report_runs(run_dir).files] == [True, False]


def models_content(host):
    return b"another file of the same name" + str(host.rounds).encode()


def test_the_hash_is_the_files(host, models, run_dir):
    import hashlib

    stored = load_host_report(run_dir / "host.json")
    digest = hashlib.sha256(models["float32"].read_bytes()).hexdigest()
    assert stored.records[0].sha256 == digest


def test_accuracy_on_a_gpu_stands_by_itself(keep, planned, evaluate, models, run_dir):
    """It is another device's: no figure of a phone is joined with it."""
    device = DeviceRecord("gpu", "llvmpipe", True, 1.0, 1e-5, 1e-6, 1.0)
    record = EvaluationRecord(models["int8"], 50, 0.25, None, None, None, accelerator=device)
    save_evaluation(EvaluationReport((record,), None, "digits"), run_dir)
    keep([(planned(models["int8"], "gpu"), "ok", 900)])
    report = report_runs(run_dir)
    assert report.measurements[0].top1 is None
    assert report.files[0].accuracy is None
    evaluate({models["int8"]: 0.875}, samples=50)
    report = report_runs(run_dir)
    assert report.measurements[0].top1 == 0.875
    assert [(one.ran_on, one.top1) for one in report.files[0].accuracies] == [
        *(("cpu", 0.875), ("gpu: llvmpipe", 0.25)),
    ]
    assert report.notes == ()
    assert "gpu: llvmpipe" in str(report)
