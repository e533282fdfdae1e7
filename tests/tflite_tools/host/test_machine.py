import os
from dataclasses import replace

import pytest

from tflite_tools.host import machine
from tflite_tools.host.records import Machine

IDLE = Machine("a processor", 4, "a system", "2.3.0", 0.9)


def test_this_machine():
    found = machine.describe_machine()
    assert found.cpu
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.system.startswith(os.uname().sysname)
    assert found.load is not None
    assert found.load >= 0


@pytest.mark.parametrize(
    ("text", "name"), [("processor\t: 0\nmodel name\t: Fast 3\n", "Fast 3"), ("", None)]
)
def test_name_of_the_processor(text, name, tmp_path):
    (tmp_path / "cpuinfo").write_text(text)
    assert machine._cpu_name(tmp_path / "cpuinfo") == (name or machine._cpu_name(tmp_path / "no"))


def test_a_busy_machine_is_said(monkeypatch):
    assert machine.warnings_about(IDLE, 4) == []
    assert machine.warnings_about(replace(IDLE, load=None), 1) == []
    (line,) = machine.warnings_about(replace(IDLE, load=1.1), 1)
    assert line.startswith("the machine was busy when the benchmark began: a load of 1.1 on 4 ")


def test_more_threads_than_cores_are_said():
    (line,) = machine.warnings_about(IDLE, 5)
    assert line == "5 threads were measured on 4 cores: they wait for each other."


def test_a_system_without_a_load(monkeypatch):
    def missing():
        raise OSError

    monkeypatch.setattr(os, "getloadavg", missing)
    assert machine.describe_machine().load is None
