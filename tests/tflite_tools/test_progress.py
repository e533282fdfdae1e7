"""Long work tells how far it is: of which file, how much is done, how much there is."""

import pytest
from support.vulkan import needs_driver

from tflite_tools import convert, range_report, run_on_gpu
from tflite_tools.progress import counter


@pytest.fixture
def told():
    return []


@pytest.fixture
def tell(told):
    return lambda *step: told.append(step)


def test_counting():
    steps = []
    count = counter(lambda *step: steps.append(step), "file", 5)
    count(2)
    count(3)
    assert steps == [("file", 2, 5), ("file", 5, 5)]
    assert counter(None, "file", 5) is None


def test_convert(model, samples, tmp_path, tell, told):
    precisions = ["float32", "int8"]
    report = convert(model, tmp_path, precisions=precisions, calibration=samples[:4], progress=tell)
    first, second = (record.file for record in report.records)
    assert told == [
        *((first, 0, 2), (second, 0, 2)),
        *((first, 1, 2), (second, 1, 2)),
        *((first, 2, 2), (second, 2, 2)),
    ]


def test_ranges(files, samples, tell, told):
    range_report(files["float32"], files["int8"], samples[:5], progress=tell)
    assert told == [(files["int8"], done, 5) for done in range(1, 6)]


@needs_driver
def test_run_gpu(files, samples, tell, told):
    run_on_gpu(files["float32"], samples[:3], runs=2, progress=tell)
    assert told[-1] == (files["float32"], 8, 8)  # each sample on both, and two timed runs
    assert [done for _, done, _ in told[:5]] == [1, 2, 3, 4, 5]
