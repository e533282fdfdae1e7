import hashlib
import json
from dataclasses import replace

import pytest

from tflite_tools import evaluate_files
from tflite_tools.errors import ToolError
from tflite_tools.evaluation_file import load_evaluation, save_evaluation


@pytest.fixture(scope="module")
def evaluation(files, samples, expected):
    labels = expected.argmax(-1)
    chosen = [files["float32"], files["int8"]]
    return evaluate_files(chosen, (samples, labels), min_accuracy=0.5)


def test_it_comes_back_with_the_hashes(evaluation, files, tmp_path):
    path = save_evaluation(evaluation, tmp_path)
    assert path == tmp_path / "evaluation.json"
    stored = load_evaluation(path)
    assert stored.report == evaluation
    digest = hashlib.sha256(files["int8"].read_bytes()).hexdigest()
    assert stored.sha256[str(files["int8"])] == digest


def test_what_json_prints_can_be_read_too(evaluation, tmp_path):
    (tmp_path / "evaluation.json").write_text(evaluation.to_json())
    stored = load_evaluation(tmp_path / "evaluation.json")
    assert (stored.report, stored.sha256) == (evaluation, {})


def test_another_evaluation_stands_beside_it_and_the_same_replaces_it(evaluation, tmp_path):
    other = replace(evaluation, source="other samples")
    names = [
        save_evaluation(report, tmp_path).name for report in (evaluation, other, evaluation, other)
    ]
    assert names == ["evaluation.json", "evaluation-2.json"] * 2


def test_a_file_that_is_no_evaluation_is_left_alone(evaluation, tmp_path):
    (tmp_path / "evaluation.json").write_text("notes")
    assert save_evaluation(evaluation, tmp_path).name == "evaluation-2.json"
    with pytest.raises(ToolError, match=r"evaluation\.json: not an evaluation .*evaluate -o"):
        load_evaluation(tmp_path / "evaluation.json")


def test_the_command_writes_it_also_when_a_gate_is_missed(
    run_cli, files, samples, expected, tmp_path
):
    import numpy as np

    np.savez(tmp_path / "data.npz", x=samples, y=(expected.argmax(-1) + 1) % 5)
    result = run_cli(
        *("evaluate", files["float32"], "--dataset", tmp_path / "data.npz"),
        *("--min-accuracy", "90%", "-o", tmp_path / "runs", "--json"),
    )
    assert result.returncode == 1
    stored = json.loads((tmp_path / "runs/evaluation.json").read_text())
    assert stored.pop("sha256")
    assert stored == json.loads(result.stdout)


def test_a_folder_that_cannot_be_made_is_told_before_the_work(run_cli, files, tmp_path):
    result = run_cli("evaluate", files["int8"], "--dataset", "none", "-o", tmp_path / "a/b")
    assert (result.returncode, result.stdout) == (2, "")
    assert "cannot make the output folder" in result.stderr
