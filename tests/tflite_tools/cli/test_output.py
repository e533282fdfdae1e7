"""What is printed, and where it cannot be."""

import os
from pathlib import Path

import pytest
from rich.text import Text

from tflite_tools.cli.output import complain
from tflite_tools.tables import as_text

STEERING = "b\nad\x1b[31m.tflite"


@pytest.fixture
def model_file(tmp_path):
    from support.operator_zoo import zoo_file

    path = tmp_path / "zoo.tflite"
    path.write_bytes(zoo_file("grouped"))
    return path


def closed_output():
    os.close(1)


def assert_one_line(result, message):
    assert (result.returncode, result.stderr) == (2, f"tflite-tools: {message}\n")


def test_a_report_for_a_closed_output(run_cli, model_file):
    result = run_cli("inspect", model_file, stdout=None, preexec_fn=closed_output)
    done = "the files were read, but the report"
    assert_one_line(result, f"{done} cannot be printed: standard output is closed.")


def test_quiet_needs_no_output(run_cli, model_file):
    result = run_cli("inspect", model_file, "--quiet", stdout=None, preexec_fn=closed_output)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("arguments", [(), ("inspect", "--help")])
def test_help_that_cannot_be_printed(run_cli, arguments):
    with Path("/dev/full").open("w") as full:
        result = run_cli(*arguments, stdout=full)
    assert_one_line(result, "the help cannot be printed: No space left on device.")
    result = run_cli(*arguments, stdout=None, preexec_fn=closed_output)
    assert_one_line(result, "the help cannot be printed: standard output is closed.")


def test_an_output_that_takes_ascii_only(run_cli, model_file):
    result = run_cli("inspect", model_file, env={"PYTHONIOENCODING": "ascii"})
    assert_one_line(
        result,
        "the files were read, but the report cannot be printed: standard output takes ascii only, "
        "which has no '\\xd7'. Set PYTHONIOENCODING=utf-8, or use --json.",
    )


def test_a_name_neither_breaks_the_line_nor_steers_the_terminal(capsys):
    complain([f"{STEERING}: expected 5 − 1 files…"])
    line = "tflite-tools: b\\nad\\x1b[31m.tflite: expected 5 − 1 files…\n"
    assert capsys.readouterr().err == line


def test_a_table_does_not_steer_the_terminal():
    assert as_text(Text(STEERING)).splitlines() == ["b", "ad\ufffd[31m.tflite"]
