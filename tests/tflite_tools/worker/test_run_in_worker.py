import inspect
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from support import worker_tasks

from tflite_tools.errors import ToolError
from tflite_tools.worker import WorkerError, progress, run_in_worker

ENV = {"PYTHONPATH": str(Path(worker_tasks.__file__).parents[1])}


def test_values_of_every_kind_go_there_and_back():
    array = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    given = {
        "array": array,
        "content": bytes(range(256)),
        "path": Path("some where"),
        "nested": {"list": [1, 2.5, None, True, "é"], "arrays": [array[0], array.astype("int8")]},
        "pair": (1, 2),
        "empty": np.zeros((0, 3)),
    }
    answer = run_in_worker(worker_tasks.echo, given, env=ENV)
    assert answer["types"] == {
        "array": "memmap",
        "content": "bytes",
        "path": "PosixPath",
        "nested": "dict",
        "pair": "list",
        "empty": "memmap",
    }
    back = answer["given"]
    np.testing.assert_array_equal(back["array"], array)
    np.testing.assert_array_equal(back["nested"]["arrays"][1], array.astype("int8"))
    assert back["content"] == given["content"]
    assert back["path"] == given["path"].absolute()
    assert back["nested"]["list"] == given["nested"]["list"]
    assert back["pair"] == [1, 2]
    assert back["empty"].shape == (0, 3)


def test_nothing_of_this_process_keras_is_inherited(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KERAS_FLOATX", "float64")
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    answer = run_in_worker(worker_tasks.surroundings, {}, env=ENV)
    assert answer.pop("pid") != os.getpid()
    assert answer == {"backend": "tensorflow", "floatx": None, "legacy": None}


def test_a_given_environment_wins():
    env = {**ENV, "TF_USE_LEGACY_KERAS": "1"}
    assert run_in_worker(worker_tasks.surroundings, {}, env=env)["legacy"] == "1"


def test_a_tool_error_arrives_as_one():
    with pytest.raises(ToolError, match=r"^first line\nsecond$"):
        run_in_worker(worker_tasks.refuse, {"problem": "first line\nsecond"}, env=ENV)


def test_any_other_failure_is_a_tool_error_with_its_last_words():
    with pytest.raises(WorkerError) as caught:
        run_in_worker(worker_tasks.fail, {}, env=ENV)
    assert caught.value.signal is None
    assert "fail: the worker process ended with exit code 1" in str(caught.value)
    assert "RuntimeError: no such table" in str(caught.value)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGSEGV, "by the signal SIGSEGV"), (signal.SIGKILL, "when memory runs out")],
)
def test_a_crash_stays_in_the_worker(number, words):
    with pytest.raises(WorkerError, match=words) as caught:
        run_in_worker(worker_tasks.crash, {"number": int(number)}, env=ENV)
    assert caught.value.signal == number


def test_progress_is_relayed_line_by_line_and_noise_is_not(capfd):
    lines = []
    run_in_worker(
        worker_tasks.tell, {"lines": ["one", "é\ntwo"]}, env=ENV, on_progress=lines.append
    )
    assert lines == ["one", "é two"]
    assert capfd.readouterr() == ("", "")


def test_verbose_lets_the_noise_through(capfd):
    run_in_worker(worker_tasks.tell, {"lines": ["one"]}, env=ENV, verbose=True)
    error = capfd.readouterr().err
    assert "noise on standard output" in error
    assert "noise from C" in error


def test_progress_outside_a_worker_does_nothing(capfd):
    progress("one")
    assert capfd.readouterr() == ("", "")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(pid, seconds=20):
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(pid)


def test_an_interrupt_ends_the_worker(tmp_path):
    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_worker(
            worker_tasks.wait_for_ever, {"folder": str(tmp_path)}, env=ENV, on_progress=interrupt
        )
    assert ended(int((tmp_path / "pid").read_text()))


CALLER = """
import os, signal, sys
from support import worker_tasks
from tflite_tools.worker import run_in_worker

run_in_worker(
    worker_tasks.wait_for_ever,
    {"folder": sys.argv[1]},
    on_progress=lambda line: os.kill(os.getpid(), signal.SIGKILL),
)
"""


def test_a_killed_caller_takes_its_worker_along(run_python, tmp_path):
    root = str(Path(inspect.getfile(run_in_worker)).parents[2])
    env = {"PYTHONPATH": os.pathsep.join([root, ENV["PYTHONPATH"]])}
    assert run_python("-c", CALLER, tmp_path, env=env).returncode == -signal.SIGKILL
    assert ended(int((tmp_path / "pid").read_text()))


def test_what_lies_in_the_current_folder_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert run_in_worker(worker_tasks.echo, {}, env=ENV) == {"given": {}, "types": {}}
