import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tflite_tools

QUICK = ("--runs", 5, "--repeats", 1, "--cool-down", 0)


@pytest.fixture
def benchmark(run_cli, adb, binary, tmp_path):
    """Function that runs the command in a folder of its own."""

    def run(*arguments):
        return run_cli(
            *("benchmark", *arguments, "--android", "--binary", binary, *QUICK),
            env=adb,
            cwd=tmp_path,
        )

    return run


def test_the_command_of_the_readme(phone, benchmark, files, tmp_path):
    result = benchmark(files["float32"], files["int8"], "--delegates", "cpu", "gpu", "nnapi")
    assert (result.returncode, result.stderr) == (0, "")
    assert "samsung SM-G970U, Snapdragon 855, Android 12" in result.stdout
    assert result.stdout.count("1.00") >= 6
    assert len(list((tmp_path / "android-benchmark").rglob("*.log"))) == 6
    assert len(phone.engine.runs) == 6


def test_json_and_quiet(phone, benchmark, files):
    phone.engine.behaviour = lambda number, flags: "fallback"
    result = benchmark(files["int8"], "--delegates", "gpu", "--json")
    assert result.returncode == 0
    report = json.loads(result.stdout)
    assert report["summaries"][0]["ran_on"] == "cpu"
    assert report["runs"][0]["record"]["delegation"] == "none"
    assert len(result.stderr.splitlines()) == 1
    assert "gpu fell back to the CPU" in result.stderr
    quiet = benchmark(files["int8"], "--delegates", "gpu", "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", result.stderr)


def test_a_failed_run_is_exit_code_1(phone, benchmark, files):
    phone.engine.behaviour = lambda number, flags: "crash"
    result = benchmark(files["int8"])
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"tflite-tools: {phone.serial}: {files['int8'].name}, cpu, classic, 4 threads, run 1: "
        "ended by the signal SIGSEGV."
    ]
    assert "–" in result.stdout


def test_no_phone_is_exit_code_2_and_one_line(benchmark, files, client):
    result = benchmark(files["int8"])
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "expected a connected phone: adb lists none. Connect a phone with USB" in line


def test_no_binary(run_cli, adb, files):
    result = run_cli("benchmark", files["int8"], "--android", env=adb)
    assert result.returncode == 2
    assert "--binary PATH" in result.stderr


def test_ctrl_c_leaves_nothing_on_the_phone_and_keeps_what_is_finished(
    phone, adb, binary, files, tmp_path, benchmark
):
    phone.engine.behaviour = lambda number, flags: "hang" if number == 1 else "ok"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tflite_tools", "benchmark", str(files["int8"]), "--android"),
            *("--binary", str(binary), "--delegates", "cpu", "gpu", *map(str, QUICK)),
        ],
        env={**os.environ, **adb, "PYTHONPATH": str(Path(tflite_tools.__file__).parents[1])},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(phone.engine.runs) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines() == [
        f"tflite-tools: {phone.serial}: interrupted after 1 finished runs. Repeat the command: it "
        "runs only what is missing."
    ]
    assert list(phone.folder.iterdir()) == []
    assert phone.engine.running == 0
    result = benchmark(files["int8"], "--delegates", "cpu", "gpu")
    assert result.returncode == 0
    assert len(phone.engine.runs) == 3
