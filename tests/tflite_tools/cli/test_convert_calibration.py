"""`tflite-tools convert`: where calibration data come from, and what is refused among them."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from support.tfds_files import image_features, image_rows, write_tfds

SHAPE = (16, 16, 3)
INT8 = ("--precision", "int8")


def pictures(count):
    rng = np.random.default_rng(count)
    return [rng.integers(0, 256, (20 + index, 24, 3)).astype("uint8") for index in range(count)]


@pytest.fixture(scope="module")
def work(keras_file, tmp_path_factory):
    """A folder with a model and every kind of data that cannot calibrate it."""
    folder = tmp_path_factory.mktemp("work")
    shutil.copy(keras_file, folder / "whole.keras")
    np.save(folder / "empty.npy", np.zeros((0, *SHAPE)))
    np.save(folder / "constant.npy", np.ones((3, *SHAPE)))
    (folder / "cards").mkdir()
    (folder / "cards" / "cut.json").write_text('{"input_range": [')
    (folder / "images").mkdir()
    for index, image in enumerate(pictures(4)):
        Image.fromarray(image).save(folder / "images" / f"{index}.png")
    (folder / "images" / "broken.png").write_text("no image")
    splits = {"train": image_rows(pictures(6)), "test": image_rows(pictures(2))}
    write_tfds(folder / "tfds", "tiny_pets", splits, image_features())
    return folder


@pytest.fixture
def convert(run_cli, work, tmp_path):
    """Function that runs the command in a copy of that folder, and a list of what it wrote."""
    folder = tmp_path / "work"
    shutil.copytree(work, folder)

    def run(*options):
        before = set(folder.rglob("*"))
        arguments = ("convert", "whole.keras", "-o", "out", *options)
        result = run_cli(*arguments, cwd=folder, env={"TFDS_DATA_DIR": str(folder / "tfds")})
        written = sorted(path.name for path in set(folder.rglob("*")) - before)
        return result, written

    run.folder = folder
    return run


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--calibration", "empty.npy"], "empty.npy: expected at least one sample, got none"),
        (["--calibration", "constant.npy"], "3 of 3 samples of constant.npy are constant"),
        (["--calibration", "images"], "but 1 of 5 cannot be read: images/broken.png (no image fo"),
        (["--calibration", "cifar10"], "cifar10: the data set is not prepared in"),
        (
            ["--calibration", "tiny_pets", "--calibration-split", "val"],
            "tiny_pets: expected one of the splits train, test, or a part",
        ),
        (
            ["--calibration", "images", "--model-card", "cards/cut.json"],
            "cards/cut.json: expected a model card in JSON, but Expecting value",
        ),
        (["--calibration", "images", "--calibration-percentile", "10"], "expected more than 50"),
    ],
)
def test_what_cannot_calibrate(convert, options, message):
    result, written = convert(*INT8, *options)
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith("tflite-tools: ")
    assert len(result.stderr.splitlines()) == 1
    assert written == []


def test_a_tfds_split_by_percentile_against_the_model_card(convert):
    (convert.folder / "whole.card.json").write_text('{"input_range": [-20, 20]}')
    source = ("--calibration", "tiny_pets", "--calibration-split", "train[:5]")
    result, written = convert(*INT8, *source, "--calibration-percentile", "99.9", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert written == ["out", "whole_int8.tflite", "whole_int8.tflite.json"]
    report = json.loads(result.stdout)
    assert report["records"][0]["evaluation"]["agreement"] >= 0.8
    calibration = report["calibration"]
    assert calibration["source"] == "tiny_pets (train[:5])"
    assert (calibration["samples"], calibration["percentile"]) == (5, 99.9)
    assert calibration["trained_range"] == [-20, 20]
    (warning,) = calibration["warnings"]
    assert "in training they ran from -20 to 20 (model card): a small part of it" in warning


def test_data_sets_of_another_folder(convert):
    (convert.folder / "tfds").rename(convert.folder / "elsewhere")
    source = ("--calibration", "tiny_pets", "--inputs", "tiny_pets", "--data-dir", "elsewhere")
    result, written = convert(*INT8, *source)
    assert (result.returncode, result.stderr) == (0, "")
    record = json.loads((convert.folder / "out" / written[-1]).read_text())
    assert "elsewhere" not in json.dumps(record)  # where the data lie changes no file


def test_unreadable_images_are_skipped_and_warnings_printed(convert):
    source = ("--calibration", "images", "--skip-unreadable", "--preprocessing", "none")
    result, written = convert(*INT8, *source)
    assert (result.returncode, result.stderr) == (0, "")
    assert written == ["out", "whole_int8.tflite", "whole_int8.tflite.json"]
    printed = " ".join(result.stdout.split())
    assert "int8 calibrated on 4 samples with values from" in printed
    assert "Warning: 1 of 5 images could not be read and were left out: images/broken." in printed
    assert "Warning: the values run from" in printed
    assert "pixels that were not normalised" in printed


def test_quiet_still_warns(convert):
    source = ("--calibration", "images", "--skip-unreadable", "--preprocessing", "none")
    result, _ = convert(*INT8, *source, "--quiet")
    assert (result.returncode, result.stdout) == (0, "")
    left_out, not_normalised = result.stderr.splitlines()
    assert left_out.startswith("tflite-tools: 1 of 5 images could not be read and were left out")
    assert "pixels that were not normalised" in not_normalised
