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


def test_what_convert_was_told_is_shown(run_cli, keras_file, tmp_path):
    (tmp_path / "labels.txt").write_text("ant\nbee\ncat\ndog\nelk\n")
    made = run_cli(
        *("convert", keras_file, "-o", tmp_path / "out", "--include-preprocessing"),
        *("--labels", tmp_path / "labels.txt", "--metadata", "author=me", "description=a = b"),
    )
    assert (made.returncode, made.stderr) == (0, "")
    shown = run_cli("inspect", tmp_path / "out" / "saved_float32.tflite")
    rows = {
        parts[1].strip(): parts[2].strip()
        for line in shown.stdout.splitlines()
        if len(parts := line.split("│")) > 2
    }
    assert "uint8 (1, 16, 16, 3)" in rows["input"]
    assert (rows["author"], rows["description"]) == ("me", "a = b")
    assert rows["pixels"] == "RGB: (p − [0]) / [1]"
    assert rows["labels"] == "5: ant, bee, cat, dog, elk"
    assert rows["source"].startswith("saved.keras, SHA-256 ")


def test_metadata_without_a_key(run_cli, keras_file, tmp_path):
    result = run_cli("convert", keras_file, "-o", tmp_path / "out", "--metadata", "author")
    assert result.returncode == 2
    assert result.stderr == "tflite-tools: --metadata: expected KEY=TEXT, got author.\n"
