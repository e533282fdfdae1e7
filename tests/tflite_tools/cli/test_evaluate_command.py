import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tflite_tools

ROOT = str(Path(tflite_tools.__file__).parents[1])


@pytest.fixture(scope="module")
def labelled_file(samples, expected, tmp_path_factory):
    """A tenth of the labels are not what the Keras model chooses."""
    path = tmp_path_factory.mktemp("data") / "labelled.npz"
    np.savez(path, x=samples, y=(expected.argmax(-1) + (np.arange(50) % 10 == 0)) % 5)
    return path


def test_the_command_of_the_readme(run_cli, files, keras_file, labelled_file):
    result = run_cli(
        *("evaluate", *files.values(), "--dataset", labelled_file, "--reference", keras_file),
        *("--min-accuracy", "80%", "--min-agreement", "0.8"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line for line in result.stdout.splitlines() if "%" in line]
    assert [line.split()[1] for line in lines] == [
        "saved.keras",
        *(file.name for file in files.values()),
    ]
    assert "90.00%" in lines[0]
    assert "On 50 samples from" in result.stdout


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_missed_gate_is_exit_code_1_after_all_results(run_cli, files, labelled_file, options):
    chosen = [files["float32"], files["float16"]]
    result = run_cli(
        "evaluate", *chosen, "--dataset", labelled_file, "--min-accuracy=0.91", *options
    )
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"tflite-tools: {file}: expected accuracy of at least 0.91, got 0.9000 (45 of 50 samples)."
        for file in chosen
    ]
    for file in chosen:
        assert file.name in result.stdout
    if options:
        report = json.loads(result.stdout)
        assert [gate["passed"] for gate in report["gates"]] == [False, False]
        assert report["records"][0]["top1"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{int8}", "--dataset", "{data}", "--min-accuracy", "97"], "--min-accuracy: expected a"),
        (["{int8}", "--dataset", "{data}", "--min-agreement", "0.9"], "needs a reference"),
        (["missing.tflite", "--dataset", "{data}"], "missing.tflite: expected a readable"),
        (["{damaged}", "--dataset", "{data}"], "not a .tflite model, or a damaged one"),
        (["{int8}", "--dataset", "missing/folder"], "no such file or folder"),
        (["{int8}", "--dataset", "{data}", "--reference", "{data}"], "expected a .keras file"),
        (["{int8}", "--dataset", "{data}", "--threads", "0"], "workers: expected 1 or more"),
    ],
)
def test_bad_input(run_cli, files, labelled_file, tmp_path, arguments, message):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(files["int8"].read_bytes()[:3000])
    names = {"int8": files["int8"], "data": labelled_file, "damaged": damaged}
    result = run_cli("evaluate", *(argument.format(**names) for argument in arguments))
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_reference_neither_keras_nor_tensorflow_is_loaded(
    run_python, files, labelled_file
):
    program = f"""
import sys
sys.argv = ["tflite-tools", "evaluate", {str(files["int8"])!r}, "--dataset", {str(labelled_file)!r}]
import tflite_tools.cli
try:
    tflite_tools.cli.main()
finally:
    print(sorted({{"keras", "tensorflow", "PIL", "tensorflow_datasets"}} & set(sys.modules)))
"""
    result = run_python("-c", program)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def on_a_terminal():
    """Function that starts a command whose standard error is a terminal, which it returns too."""
    pty = pytest.importorskip("pty")
    master, terminal = pty.openpty()

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "tflite_tools", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": ROOT, "TERM": "xterm"},
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
        )
        return process, master

    yield start
    os.close(master)
    os.close(terminal)


def read_until(terminal, text):
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 10_000).decode()
    return shown


def test_a_terminal_sees_a_progress_bar(on_a_terminal, files, labelled_file):
    process, terminal = on_a_terminal("evaluate", files["int8"], "--dataset", labelled_file)
    assert files["int8"].name in read_until(terminal, "50/50")
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "50/50" not in stdout
    assert "\x1b" not in stdout


def test_ctrl_c(on_a_terminal, files, tmp_path):
    path = tmp_path / "many.npz"
    np.savez(path, x=np.zeros((60_000, 16, 16, 3), "uint8"), y=np.zeros(60_000, int))
    process, terminal = on_a_terminal("evaluate", files["int8"], "--dataset", path)
    read_until(terminal, "/60000")
    process.send_signal(signal.SIGINT)
    started = time.perf_counter()
    stdout, _ = process.communicate(timeout=60)
    assert time.perf_counter() - started < 3
    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in os.read(terminal, 10_000).decode()
