"""Processes train in turn, and not after the limit."""

import subprocess
import sys

import pytest
from command_line import InputError
from normalization_comparison import turns
from support.examples import ROOT

# Says when it has the turn, and keeps it until it is told to go on.
HOLDER = """
import sys
from pathlib import Path
from normalization_comparison.turns import Turns
with Turns(Path(sys.argv[1])).turn():
    print("mine", flush=True)
    sys.stdin.readline()
"""


def holder(folder):
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder],
        env={"PYTHONPATH": str(ROOT / "examples")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def is_free(folder):
    with (folder / ".training").open("w") as file:
        try:
            turns.fcntl.flock(file, turns.fcntl.LOCK_EX | turns.fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@pytest.mark.skipif(turns.fcntl is None, reason="needs POSIX file locks")
def test_one_process_trains_at_a_time_and_a_killed_one_gives_its_turn_back(tmp_path):
    with holder(tmp_path) as first:
        assert first.stdout.readline() == "mine\n"
        assert not is_free(tmp_path)
        first.kill()
    with holder(tmp_path) as second:
        assert second.stdout.readline() == "mine\n"
        second.communicate("\n")
    assert second.returncode == 0
    assert is_free(tmp_path)


def test_after_the_limit_no_turn_starts(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(turns.time, "monotonic", lambda: now)
    limited = turns.Turns(tmp_path, minutes=2)
    now += 119
    with limited.turn():
        now += 1  # what has started goes on
    with pytest.raises(turns.TimeIsUp), limited.turn():
        pytest.fail("it was too late")
    with turns.Turns(tmp_path).turn():
        now += 10_000


@pytest.mark.skipif(turns.fcntl is None, reason="needs POSIX file locks")
def test_the_limit_may_come_while_waiting(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(turns.time, "monotonic", lambda: now)

    def wait(*_):
        nonlocal now
        now = 61.0

    limited = turns.Turns(tmp_path, minutes=1)
    monkeypatch.setattr(turns.fcntl, "flock", wait)
    with pytest.raises(turns.TimeIsUp), limited.turn():
        pytest.fail("it was too late")


def test_a_lock_that_cannot_be_opened_is_one_line(tmp_path):
    (tmp_path / ".training").mkdir()
    with (
        pytest.raises(InputError, match=r"\.training: cannot be opened: Is a directory. Remove it"),
        turns.Turns(tmp_path).turn(),
    ):
        pass
