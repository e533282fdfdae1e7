import json
from pathlib import Path

import pytest

import tflite_tools


@pytest.fixture
def passing(keep, planned, evaluate, models):
    evaluate({models["int8"]: 0.875})
    return keep([(planned(models["int8"]), "ok", 900), (planned(models["int8"], "gpu"), "ok", 500)])


def test_tables_and_files_and_exit_code_0(passing, run_cli, run_dir):
    result = run_cli("report", run_dir)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Latency: samsung SM-G970U" in result.stdout
    assert f"The report is in {run_dir / 'report'}" in result.stdout
    assert len(list((run_dir / "report").iterdir())) == 9


def test_json_alone_and_quiet(passing, run_cli, run_dir, tmp_path):
    result = run_cli(
        "report", run_dir, "--json", "-o", tmp_path / "out", "--format", "json", "html"
    )
    assert result.returncode == 0
    assert json.loads(result.stdout) == json.loads((tmp_path / "out/report.json").read_text())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("report.html", "report.json"),
    ]
    quiet = run_cli("report", run_dir, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_failed_runs_are_exit_code_1(mixed, run_cli, run_dir):
    result = run_cli("report", run_dir, "--quiet")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "tflite-tools: 3 runs failed or are unfinished.\n"
    assert (run_dir / "report/report.html").exists()


@pytest.mark.parametrize("make", ["nothing", "file", "empty"])
def test_no_runs_are_exit_code_2(run_cli, tmp_path, make):
    folder = tmp_path / "x"
    if make == "file":
        folder.touch()
    if make == "empty":
        folder.mkdir()
    result = run_cli("report", folder)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    expected = {
        "nothing": "expected a folder with runs, got nothing of that name",
        "file": "expected a folder with runs, got a file",
        "empty": "holds no runs. A run folder is what `tflite-tools benchmark FILE... --android",
    }
    assert expected[make] in line
    assert not (folder / "report").exists()


def test_damaged_files_are_named_and_the_rest_is_reported(mixed, run_cli, run_dir):
    (run_dir / "evaluation-2.json").write_text("{")
    record = sorted(mixed.glob("net_int8*.json"))[0]
    record.write_bytes(record.read_bytes()[:50])
    result = run_cli("report", run_dir, "--json")
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        str(run_dir / "evaluation-2.json"),
        str(record),
    ]
    assert len(json.loads(result.stdout)["measurements"]) == 5
    assert "Could not be read" in (run_dir / "report/report.html").read_text()


def test_nothing_but_damage(passing, run_cli, run_dir):
    (run_dir / "evaluation.json").write_text("[]")
    (passing / "phone.json").unlink()
    result = run_cli("report", run_dir)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "an older version" in line
    assert "evaluation.json: not an evaluation" in line
    assert "Traceback" not in result.stderr


def test_without_matplotlib_all_but_the_plots_are_written(passing, run_cli, run_dir, tmp_path):
    blocked = tmp_path / "blocked/matplotlib"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('blocked')")
    root = Path(tflite_tools.__file__).parents[1]
    result = run_cli("report", run_dir, "--quiet", env={"PYTHONPATH": f"{blocked.parent}:{root}"})
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert "the plots are left out: they need Matplotlib" in line
    assert sorted(path.suffix for path in (run_dir / "report").iterdir()) == [
        *(".csv", ".csv", ".html", ".json", ".md", ".txt"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "pdf"), "formats: expected some of table, markdown, json, csv, html, png"),
        (("--target", "nokia"), "target 'nokia' is unknown"),
        (("-o", ""), "output folder: expected a path"),
    ],
)
def test_bad_use_is_one_line(passing, run_cli, run_dir, arguments, message):
    result = run_cli("report", run_dir, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_whose_name_is_no_text(passing, run_cli, run_dir):
    folder = run_dir.rename(run_dir.with_name("run \udcff"))
    result = run_cli("report", folder, "--quiet")
    assert (result.returncode, result.stderr) == (0, "")
    assert "# Runs in " in (folder / "report/report.md").read_text(encoding="utf-8")


def test_an_unfinished_run_with_an_endless_key(passing, run_cli, run_dir):
    path = passing / "phone.json"
    content = json.loads(path.read_text())
    content["planned"].append({**content["planned"][0], "key": "k" * 400})
    path.write_text(json.dumps(content))
    result = run_cli("report", run_dir, "--quiet")
    assert result.returncode == 1
    assert "unfinished" in result.stderr


def test_names_that_are_no_text_are_printed(keep, planned, models, run_cli, run_dir):
    file = models["int8"].rename(models["int8"].with_name("int8 \udcff\x1b[31m.tflite"))
    keep([(planned(file), "ok", 900)])
    result = run_cli("report", run_dir)
    assert result.returncode == 0
    assert "\x1b[31m" not in result.stdout
    assert "��" in result.stdout
    content = json.loads(run_cli("report", run_dir, "--json").stdout)
    assert content["files"][0]["name"] == "int8 ��[31m.tflite"
