"""Outputs that are wrong on the GPU fail; no GPU is needed for that."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from tflite_tools import cli, evaluate_files, gpu
from tflite_tools.errors import ToolError
from tflite_tools.gates import gate_results
from tflite_tools.gpu import GpuReport, run_files_on_gpu, run_on_gpu
from tflite_tools.gpu.executing import Executed
from tflite_tools.gpu.running import record_of
from tflite_tools.interpreter import LiteModel
from tflite_tools.records import DeviceRecord, EvaluationRecord


def judged(path, samples, error, tolerance=0.01):
    """The record of a GPU that gets one output wrong by `error`."""
    model = LiteModel(path)
    on_cpu = model.predict(samples[:4])
    outputs = on_cpu.copy()
    outputs[2, 1] += error
    result = {"outputs": outputs, "compile_ms": 1.0, "first_ms": 1.0, "times_ms": [1.0, 2.0]}
    return record_of(model, Executed(result, "a GPU", software=False), on_cpu, tolerance)


@pytest.mark.parametrize(("share", "passed"), [(0.0, True), (0.009, True), (0.011, False)])
def test_floats_may_differ_by_a_share_of_the_largest(share, passed, files, samples):
    largest = np.abs(LiteModel(files["float32"]).predict(samples[:4])).max()
    record = judged(files["float32"], samples, share * largest)
    assert record.passed == passed
    assert record.allowed_error == pytest.approx(0.01 * largest)
    assert judged(files["float32"], samples, share * largest, 0.02).passed


@pytest.mark.parametrize(("steps", "passed"), [(2.99, True), (4, False)])
def test_int8_may_differ_by_three_steps(steps, passed, files, samples):
    step = LiteModel(files["int8"]).output_step
    assert judged(files["int8"], samples, steps * step).passed == passed


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_outputs_within_the_allowed_error_say_nothing(share, files, samples):
    record = judged(files["int8"], samples, 0.0)
    report = GpuReport((replace(record, largest_output=share * record.allowed_error),))
    assert report.passed
    said = "the comparison says nothing. Give a trained model"
    assert [said in line for line in report.complaints()] == ([True] if share < 1 else [])
    assert ("100.0%" in str(report)) == (share > 1)


@pytest.mark.parametrize("options", [[], ["--json"], ["--quiet"]])
def test_the_command_exits_with_1(options, files, samples, monkeypatch, capsys):
    record = judged(files["float32"], samples, 0.5)
    monkeypatch.setattr(gpu, "run_files_on_gpu", lambda *_, **__: GpuReport((record,)))
    monkeypatch.setattr(sys, "argv", ["tflite-tools", "run-gpu", str(record.file), *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 1
    assert err.startswith(f"tflite-tools: {record.file}: expected outputs within ")
    assert "got a difference of 5.0e-01 on the GPU (--tolerance 0.01)." in err
    if "--json" in options:
        assert json.loads(out)["records"][0]["passed"] is False
    elif not options:
        assert "FAILED" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit: expected 1 or more, got 0"),
        ({"limit": -3}, "limit: expected 1 or more, got -3"),
        ({"tolerance": -0.1}, "tolerance: expected 0 or more"),
        ({"tolerance": float("nan")}, "tolerance: expected 0 or more"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message, files):
    with pytest.raises(ToolError, match=message):
        run_on_gpu(files["float32"], **arguments)
    with pytest.raises(ToolError, match=message):
        run_files_on_gpu([files["float32"]], **arguments)


def test_the_gate_on_what_a_delegate_chooses(files):
    there = DeviceRecord("gpu", "a GPU", False, 0.9, 0.1, 0.1, 1.0)
    record = EvaluationRecord(files["float32"], 50, 1.0, 1.0, 0.0, 0.0, accelerator=there)
    (missed,) = gate_results([record], min_delegate_agreement=0.95)
    assert not missed.passed
    assert "expected agreement with the CPU of at least 0.95, got 0.9000" in str(missed)
    same = replace(record, accelerator=replace(there, agreement=1.0))
    assert gate_results([same], min_delegate_agreement=0.95)[0].passed


def test_that_gate_needs_a_delegate(files):
    with pytest.raises(ToolError, match="min_delegate_agreement: needs a delegate such as gpu"):
        evaluate_files(files.values(), "none such", min_delegate_agreement=0.9)
