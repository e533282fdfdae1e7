import os

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.thread_counts import checked_threads, usable_cores


def test_each_number_once_in_order():
    assert checked_threads(4) == (4,)
    assert checked_threads([2, 1, 2]) == (2, 1)


def test_more_threads_than_a_machine_bears(monkeypatch):
    monkeypatch.setattr("tflite_tools.thread_counts.usable_cores", lambda: 2)
    assert checked_threads(64) == (64,)
    with pytest.raises(ToolError, match=r"^--threads: expected at most 64, got 65\.$"):
        checked_threads([1, 65])
    monkeypatch.setattr("tflite_tools.thread_counts.usable_cores", lambda: 100)
    assert checked_threads(400) == (400,)
    with pytest.raises(ToolError, match="expected at most 400, got 401"):
        checked_threads(401)


@pytest.mark.parametrize("given", [0, -1, [], [1, 0], ["2"], "2", [1.5], None, [True]])
def test_no_numbers_of_threads(given):
    with pytest.raises(ToolError, match="threads: expected one or more numbers from 1 on, got"):
        checked_threads(given)


def test_usable_cores(monkeypatch):
    assert 1 <= usable_cores() <= os.cpu_count()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
