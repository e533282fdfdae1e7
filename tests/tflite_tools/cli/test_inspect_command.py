import json

import pytest


def test_several_files_are_shown(run_cli, files):
    result = run_cli("inspect", files["float32"], files["int8"])
    assert (result.returncode, result.stderr) == (0, "")
    for name in ("float32", "int8"):
        assert f"{files[name].name}" in result.stdout
    assert "CONV_2D×2" in result.stdout


def test_json(run_cli, files):
    result = run_cli("inspect", files["int8"], "--json")
    assert (result.returncode, result.stderr) == (0, "")
    (model,) = json.loads(result.stdout)["models"]
    assert model["inputs"][0]["dtype"] == "int8"


def test_a_phone(run_cli, files):
    result = run_cli("inspect", files["float32"], "--target", "kirin-980")
    assert (result.returncode, result.stderr) == (0, "")
    assert "delegates of Kirin 980 (Honor V20)" in result.stdout


def test_an_unknown_phone_is_one_line(run_cli, files):
    result = run_cli("inspect", files["float32"], "--target", "pixel")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "tflite-tools: target 'pixel' is unknown; there are snapdragon-855, kirin-980, "
        "snapdragon-710, generic-android.\n"
    )


@pytest.mark.parametrize("content", [None, b"no model", b"\x08\x00\x00\x00TFL3"])
def test_a_file_that_cannot_be_read_is_one_line(run_cli, tmp_path, content):
    path = tmp_path / "x.tflite"
    if content is not None:
        path.write_bytes(content)
    result = run_cli("inspect", path)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"tflite-tools: {path}: ")
