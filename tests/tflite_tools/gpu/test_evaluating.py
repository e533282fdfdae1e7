"""`evaluate` on the GPU alone."""

import json

import numpy as np
import pytest
from support.operator_zoo import SHAPE, zoo_file
from support.vulkan import environment, needs_driver

from tflite_tools import evaluate, evaluate_files
from tflite_tools.errors import ToolError
from tflite_tools.gpu import run_on_gpu
from tflite_tools.interpreter import LiteModel

pytestmark = needs_driver


@pytest.fixture(scope="module")
def labels(expected):
    """Those of the Keras model, but for every fifth sample."""
    return (expected.argmax(-1) + (np.arange(50) % 5 == 0)) % 5


@pytest.fixture
def refused_file(tmp_path):
    path = tmp_path / "shapes.tflite"
    path.write_bytes(zoo_file("shapes"))
    return path


def test_outputs_are_those_of_the_gpu_on_all_samples(files, samples, labels, expected):
    record = evaluate(files["float32"], samples, labels, reference_outputs=expected, delegate="gpu")
    on_cpu = evaluate(files["float32"], samples, labels, reference_outputs=expected)
    assert on_cpu.accelerator is None
    assert (record.samples, record.top1, record.agreement) == (50, 0.8, 1.0)
    assert 0 < record.max_abs_error <= 1e-5
    assert record.mean_abs_error != on_cpu.mean_abs_error
    there = record.accelerator
    alone = run_on_gpu(files["float32"], samples, limit=50, runs=1)
    assert (there.delegate, there.device, there.software) == ("gpu", alone.device, alone.software)
    assert there.agreement == alone.comparison.agreement == 1
    assert there.max_abs_error == alone.comparison.max_abs_error > 0
    assert there.mean_abs_error == alone.comparison.mean_abs_error
    assert there.largest_output == alone.largest_output


def test_batches_that_are_not_full(batch_of_four, samples, expected):
    record = evaluate(batch_of_four[0], samples, reference_outputs=expected, delegate="gpu")
    assert record.samples == 50
    assert record.max_abs_error <= 1e-5


def test_progress_counts_both_runs(files, samples, labels):
    told = []
    report = evaluate_files(
        [files["int8"]],
        (samples[:6], labels[:6]),
        delegate="gpu",
        workers=1,
        progress=lambda *step: told.append(step[1:]),
    )
    assert told[-1] == (12, 12)
    assert told == sorted(told)
    assert f"On {report.records[0].accelerator.device}, compared with the CPU" in str(report)
    assert len(told) == 6 + 1  # the GPU tells of each batch


def test_what_the_gpu_refuses_is_one_line(refused_file):
    samples = np.zeros((2, *SHAPE), np.float32)
    outputs = np.zeros((2, *LiteModel(refused_file).row_shape))
    with pytest.raises(ToolError, match="the GPU does not take RESHAPE") as caught:
        evaluate(refused_file, samples, reference_outputs=outputs, delegate="gpu")
    assert "\n" not in str(caught.value)


def test_an_unknown_delegate(files):
    for delegate in ("npu", None, ["gpu"]):
        with pytest.raises(ToolError, match="delegate: expected cpu or gpu, got "):
            evaluate_files(files.values(), "none such", delegate=delegate)


def test_the_command(run_cli, files, samples, labels, tmp_path):
    data = tmp_path / "data.npz"
    np.savez(data, x=samples[:20], y=labels[:20])
    result = run_cli(
        *("evaluate", files["float32"], files["int8"], "--dataset", data),
        *("--delegate", "gpu", "--min-accuracy", "81%", "--json"),
        env=environment(),
    )
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 2  # what each file was asked for
    records = json.loads(result.stdout)["records"]
    assert [record["accelerator"]["delegate"] for record in records] == ["gpu", "gpu"]


def test_the_command_without_a_driver(run_cli, files, tmp_path):
    result = run_cli(
        *("evaluate", files["float32"], "--dataset", tmp_path, "--delegate", "gpu"),
        env={"VK_DRIVER_FILES": "/none/such.json"},
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "tflite-tools: VK_DRIVER_FILES: expected the file of a Vulkan driver, got "
        "/none/such.json.\n"
    )
