"""The comparison of normalisations as a user runs it."""

import json
import shutil
import subprocess
import sys

import compare_normalizations
import pytest
from support.examples import ROOT, assert_refused, run_example

NAME = "compare_normalizations"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    process = run_example(NAME, "--smoke", "--seeds", 4, 2, 4, "--out", folder)
    assert process.returncode == 0, process.stderr
    return process, folder


def test_smoke_run(smoke):
    process, folder = smoke
    assert process.stderr == "", "TensorFlow's noise reached the terminal"
    (comparison,) = json.loads((folder / "results.json").read_text())
    assert [row["variant"] for row in comparison["rows"]] == ["bn", "g4"]
    assert [sorted(row["top1"]) for row in comparison["rows"]] == [["2", "4"]] * 2
    assert comparison["rows"][1]["difference"]["seeds"] == 2
    assert "4 of 4 runs of FinetSmall on characters" in process.stdout
    text = (folder / "results.md").read_text()
    assert text.count("\n| BN |") == text.count("\n| FBN G=4 |") == 1
    assert (folder / "results.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(folder.rglob("*_seed?.json"))) == 4


def test_a_second_call_trains_nothing_and_needs_no_keras(smoke):
    _, folder = smoke
    command = (
        "import sys; sys.path.insert(0, 'examples'); sys.argv[0] = 'compare_normalizations';"
        "import compare_normalizations as program; code = program.main();"
        "assert not {'keras', 'tensorflow', 'ai_edge_litert'} & set(sys.modules); sys.exit(code)"
    )
    arguments = ("--smoke", "--seeds", "4", "2", "--out", str(folder))
    process = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "images/s" not in process.stdout
    assert "4 of 4 runs" in process.stdout


def test_a_report_of_what_is_there(smoke, tmp_path):
    _, folder = smoke
    (file, *_) = folder.rglob("bn_seed4.json")
    copy = tmp_path / file.relative_to(folder)
    copy.parent.mkdir()
    copy.write_bytes(file.read_bytes())
    process = run_example(NAME, "--smoke", "--seeds", 4, "--out", tmp_path, "--report-only")
    assert process.returncode == 0, process.stderr
    assert "1 of 2 runs" in process.stdout
    assert "FBN" not in (tmp_path / "results.md").read_text().split("##")[1]


def test_schemes_are_trained_and_their_files_measured(smoke, tmp_path):
    _, folder = smoke
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    options = ("--smoke", "--seeds", 4, "--out", tmp_path)
    schemes = ("shifted_relu", "normalizer_free")
    trained = run_example(NAME, *options, "--variants", *schemes)
    assert trained.returncode == 0, trained.stderr
    assert "2 of 2 runs" in trained.stdout
    deployed = run_example(NAME, *options, "--variants", *schemes, "--deploy")
    assert (deployed.returncode, deployed.stderr) == (0, "")
    assert "images/s" not in deployed.stdout
    report = run_example(NAME, *options, "--variants", "bn", *schemes, "--report-only")
    assert report.returncode == 0, report.stderr
    (comparison,) = json.loads((tmp_path / "results.json").read_text())
    assert [row["variant"] for row in comparison["rows"]] == ["bn", *schemes]
    plain, shifted, free = comparison["deployment"]["rows"]
    assert (plain["variant"], plain["ratio"], plain["packed_bytes"]) == ("bn", 1.0, None)
    assert free["ops"] == plain["ops"], "plain convolutions all the same"
    assert free["ops"]["CONV_2D"] == 1 + 2 * 16 + 2
    assert shifted["packed_bytes"] < 0.1 * shifted["size_bytes"]
    assert "as fused .tflite" in (tmp_path / "results.md").read_text()
    assert not list(tmp_path.rglob("*.tflite"))


def test_a_damaged_record_is_one_clear_line(smoke, tmp_path):
    _, folder = smoke
    (file, *_) = folder.rglob("bn_seed4.json")
    damaged = tmp_path / file.relative_to(folder)
    damaged.parent.mkdir()
    damaged.write_text(file.read_text()[:-40])
    process = run_example(NAME, "--smoke", "--seeds", 4, "--out", tmp_path)
    assert_refused(process, NAME, "bn_seed4.json", "Delete it to train again")


def test_runs_of_other_images_are_noticed_before_training(smoke, tmp_path):
    _, folder = smoke
    (file, *_) = folder.rglob("bn_seed4.json")
    other = tmp_path / file.relative_to(folder)
    other.parent.mkdir()
    other.write_text(json.dumps(json.loads(file.read_text()) | {"images_sha256": "0"}))
    process = run_example(NAME, "--smoke", "--seeds", 4, "--out", tmp_path)
    assert_refused(process, NAME, "bn_seed4.json: was trained on other images than the others")
    assert "images/s" not in process.stdout


@pytest.mark.parametrize(
    ("options", "seeds", "images"),
    [
        ([], [0, 1], 96),
        (["--seeds", "5", "3", "5", "1"], [5, 3, 1], 96),
        (["--train-images", "200"], [0, 1], 200),
    ],
)
def test_smoke_leaves_what_is_named(options, seeds, images, monkeypatch):
    monkeypatch.setattr("sys.argv", [NAME, "--smoke", *options])
    found = compare_normalizations.parse_options()
    assert (found.seeds, found.train_images, found.epochs) == (seeds, images, 1)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--seeds", "-1"], "expected a whole number from 0"),
        (["--variants", "layer_norm"], "invalid choice: 'layer_norm'"),
        (["--data", "imagenet"], "invalid choice: 'imagenet'"),
        (["--train-images", "10"], "expected a whole number from 64"),
        (["--minutes", "0"], "expected a number above 0"),
        (["--minutes", "nan"], "expected a number above 0"),
    ],
)
def test_bad_use_is_refused(arguments, fragment):
    assert_refused(run_example(NAME, *arguments), NAME, fragment)


def test_an_output_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("in the way")
    assert_refused(run_example(NAME, "--out", tmp_path / "out"), NAME, "cannot be made")
