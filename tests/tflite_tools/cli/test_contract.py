"""What every command of `tflite-tools` promises; a new one needs a row in `GOOD`."""

import json
import sys

import numpy as np
import pytest
from support.qairt import libraries, needs_compiler
from support.vulkan import needs_driver

from tflite_tools import cli, evaluate_files
from tflite_tools.cli.app import app
from tflite_tools.evaluation_file import save_evaluation

# Typical arguments of each command, which take little time.
GOOD = {
    "benchmark": "benchmark {float32} {int8} --host --rounds 1",
    "compile": "compile {float32} --soc SM8350 --sdk-libs {sdk} -o {out}",
    "convert": "convert {keras} -o {out} --precision float32 int8 --calibration {data}",
    "evaluate": "evaluate {float32} {int8} --dataset {data}",
    "inspect": "inspect {float32} {int8}",
    "qat": "qat {keras} --dataset {data} -o {out} --epochs 1",
    "ranges": "ranges {float32} {int8} --inputs {data}",
    "report": "report {runs} -o {out} --format json",
    "run-gpu": "run-gpu {float32} --runs 1",
}
# These take no time that one would wait for.
INSTANT = {"inspect", "report"}
# Training takes long: one run of it, with both options; its progress has a test of its own.
LONG = {"qat"}
NEEDS = {"compile": needs_compiler, "run-gpu": needs_driver}
HEAVY = {
    *("PIL", "adbutils", "ai_edge_litert", "h5py", "jax", "keras", "keras_finet", "matplotlib"),
    *("numpy", "tensorflow", "tensorflow_datasets", "tf_keras", "torch"),
}


def names():
    return [
        info.name or info.callback.__name__.replace("_", "-") for info in app.registered_commands
    ]


def commands(without=()):
    return [pytest.param(name, marks=NEEDS.get(name, ())) for name in GOOD if name not in without]


@pytest.fixture(scope="module")
def places(files, keras_file, samples, expected, tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract")
    np.savez(folder / "data.npz", x=samples, y=expected.argmax(-1))
    (folder / "runs").mkdir()
    data = samples, expected.argmax(-1)
    save_evaluation(evaluate_files([files["float32"]], data), folder / "runs")
    return {
        "runs": folder / "runs",
        "float32": files["float32"],
        "int8": files["int8"],
        "keras": keras_file,
        "data": folder / "data.npz",
        "out": folder / "out",
        "sdk": libraries(),
    }


@pytest.fixture
def run(monkeypatch, capfd):
    """Function that runs a command line in this process, with a terminal as standard error."""

    def start(*arguments):
        monkeypatch.setattr(sys, "argv", ["tflite-tools", *map(str, arguments)])
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setenv("TERM", "xterm")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return start


def test_every_command_has_a_row():
    assert set(names()) == set(GOOD)


@pytest.mark.parametrize("name", names())
def test_json_and_quiet_are_everywhere(name, run):
    code, out, _ = run(name, "--help")
    assert code == 0
    assert "--json" in out
    assert "--quiet" in out


@pytest.mark.parametrize("name", commands(without=LONG))
def test_json_is_all_on_standard_output_and_a_terminal_sees_progress(name, run, places):
    code, out, err = run(*GOOD[name].format(**places).split(), "--json")
    assert code == 0, err
    assert json.loads(out)
    assert ("━" in err) == (name not in INSTANT)


@pytest.mark.parametrize("name", commands())
def test_quiet_prints_nothing_where_nothing_is_wrong(name, run, places):
    options = ["--quiet", "--json"] if name in LONG else ["--quiet"]
    code, out, err = run(*GOOD[name].format(**places).split(), *options)
    assert code == 0
    assert all(line.startswith("tflite-tools: ") for line in err.splitlines())  # problems
    assert name == "benchmark" or not err
    assert bool(out) == ("--json" in options)


@pytest.mark.parametrize("name", names())
def test_wrong_usage_is_one_line_and_exit_code_2(name, run):
    code, out, err = run(name, "--no-such-option")
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("tflite-tools: No such option: --no-such-option")
    assert line.endswith(f"See tflite-tools {name} --help.")


@pytest.mark.parametrize("name", commands())
def test_an_input_that_is_not_there_is_one_line_and_exit_code_2(name, run, places, tmp_path):
    missing = {"float32": "no.tflite", "keras": "no.keras", "runs": "no.folder"}
    there = {**places, **{key: tmp_path / name for key, name in missing.items()}}
    code, out, err = run(*GOOD[name].format(**there).split(), "--quiet")
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("tflite-tools: ")
    assert str(tmp_path / "no.") in line


@pytest.mark.parametrize("options", [[], ["--quiet"], ["--quiet", "--json"]])
def test_a_check_that_fails_is_exit_code_1_also_in_quiet(options, run, places):
    arguments = (*GOOD["evaluate"].format(**places).split(), "--min-accuracy", "100%")
    code, out, err = run(*arguments, *options)
    assert code == 1
    assert "tflite-tools: " in err
    assert "expected accuracy of at least 1" in err
    assert bool(out) == (options != ["--quiet"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such"], "No such command 'no-such'. See tflite-tools --help."),
        (["--no-such"], "No such option: --no-such. See tflite-tools --help."),
        (["inspect"], "Missing argument 'FILE...'. See tflite-tools inspect --help."),
        (
            ["benchmark", "x.tflite", "--delegates"],
            "Option '--delegates' requires an argument. See tflite-tools benchmark --help.",
        ),
        (["run-gpu", "x", "--runs", "many"], "Invalid value for '--runs': "),
    ],
)
def test_mistakes_before_any_command_runs(arguments, message, run):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"tflite-tools: {message}")


def test_no_arguments_show_the_help(run):
    assert run() == run("--help")


IMPORTED = """
import sys
from tflite_tools import cli
sys.argv[0] = "tflite-tools"
try:
    cli.main()
except SystemExit as exit:
    print(*sorted(sys.modules), file=sys.stderr)
    sys.exit(exit.code)
"""


@pytest.mark.parametrize("arguments", [(), *((name,) for name in names())])
def test_help_imports_nothing_heavy(arguments, run_python):
    """Time depends on the machine; what is imported does not."""
    result = run_python("-c", IMPORTED, *arguments, "--help")
    assert result.returncode == 0
    assert "Usage: tflite-tools" in result.stdout
    assert not HEAVY & set(result.stderr.split())
