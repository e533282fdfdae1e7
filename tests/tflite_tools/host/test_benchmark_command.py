import json

import pytest

from tflite_tools.host import load_host_report

QUICK = ("--rounds", 1)


def test_the_command_of_the_readme(run_cli, files, tmp_path):
    folder = tmp_path / "results"
    result = run_cli(
        *("benchmark", files["float32"], files["int8"], "--host", "--threads", 1, 2),
        *(*QUICK, "-o", folder),
    )
    assert result.returncode == 0
    assert "1 thread of " in result.stdout
    assert "2 threads of " in result.stdout
    assert "XNNPACK did not take SOFTMAX×1" in result.stderr
    report = load_host_report(folder / "host.json")
    assert [record.num_threads for record in report.records] == [1, 1, 2, 2]


def test_json_and_quiet(run_cli, files):
    result = run_cli("benchmark", files["float32"], "--host", *QUICK, "--json")
    assert result.returncode == 0
    (record,) = json.loads(result.stdout)["records"]
    assert record["num_threads"] == 1
    quiet = run_cli("benchmark", files["float32"], "--host", *QUICK, "--quiet")
    assert (quiet.returncode, quiet.stdout) == (0, "")


def test_neither_here_nor_there(run_cli, files):
    result = run_cli("benchmark", files["int8"])
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "tflite-tools: benchmark: expected where to measure: add --host, --android or both.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--host", "--delegates", "gpu", "cpu"),
            "--delegates is for measurements on phones (--",
        ),
        (("--host", "--serial", "S1"), "--serial is for measurements on phones (--android)"),
        (("--android", "--rounds", "3"), "--rounds is for measurements on this machine (--host)"),
    ],
)
def test_options_of_a_place_where_nothing_is_measured(run_cli, files, arguments, message):
    result = run_cli("benchmark", files["int8"], *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert message in line
    assert line.endswith("which was not asked for: add it, or leave the option out.")


def test_mistakes_are_one_line_and_exit_code_2(run_cli, tmp_path):
    for arguments, message in (
        ((tmp_path / "none.tflite",), "expected a readable .tflite file"),
        ((tmp_path / "none.tflite", "--threads", 0), "threads: expected one or more numbers"),
    ):
        result = run_cli("benchmark", *arguments, "--host")
        assert (result.returncode, result.stdout) == (2, "")
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_what_this_machine_gave_is_shown_also_if_the_phones_cannot(run_cli, files, tmp_path):
    result = run_cli(
        *("benchmark", files["float32"], "--host", *QUICK, "--android", "--json"), cwd=tmp_path
    )
    assert result.returncode == 2
    assert list(json.loads(result.stdout)) == ["host"]
    assert "--binary PATH" in result.stderr.splitlines()[-1]
