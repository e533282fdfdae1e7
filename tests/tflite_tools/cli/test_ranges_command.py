import json

import numpy as np
import pytest
from PIL import Image
from support.tfds_files import image_features, image_rows, write_tfds


@pytest.fixture(scope="module")
def array_file(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("arrays") / "samples.npy"
    np.save(path, samples)
    return path


def test_table_and_plot(run_cli, files, array_file, tmp_path):
    plot = tmp_path / "ranges.png"
    result = run_cli(
        *("ranges", files["float32"], files["int8"], "--inputs", array_file, "--plot", plot)
    )
    assert (result.returncode, result.stderr) == (0, "")
    for words in ("small_int8.tflite against small_float32.tflite", "On 50 samples", "conv2d"):
        assert words in result.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_json_is_all_that_is_printed(run_cli, files, array_file):
    options = ("--inputs", array_file, "--limit", 3, "--json")
    result = run_cli("ranges", files["float32"], files["int8"], *options)
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report["samples"] == 3
    assert len(report["tensors"]) == 8
    weights = report["tensors"][1]["weights"]
    assert len(weights["channel_low"]) == len(weights["channel_high"]) == 8
    assert 0 < weights["requantization"] < 1


@pytest.fixture(scope="module")
def images(samples):
    return list(np.clip(samples[:3] * 30 + 128, 0, 255).astype("uint8"))


def test_a_folder_with_an_unreadable_image(run_cli, files, images, tmp_path):
    for index, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    (tmp_path / "broken.png").write_text("no image")
    options = ("--inputs", tmp_path, "--skip-unreadable", "--json")
    result = run_cli("ranges", files["float32"], files["int8"], *options)
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert (report["samples"], report["skipped"]) == (3, 1)


def test_a_data_set_of_another_folder(run_cli, files, images, tmp_path):
    splits = {"train": image_rows(images), "test": image_rows(images[:2])}
    write_tfds(tmp_path, "tiny_pets", splits, image_features())
    options = ("--inputs", "tiny_pets", "--split", "test", "--data-dir", tmp_path, "--json")
    result = run_cli("ranges", files["float32"], files["int8"], *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["samples"] == 2


@pytest.mark.parametrize(
    ("order", "options", "message"),
    [
        (("int8", "float32"), (), "expected a float32 file and an int8 file of the same model"),
        (("float32", "int8"), ("--plot", "no/such/folder.png"), "cannot write the plot"),
        (("float32", "int8"), ("--limit", 0), "expected 1 or more samples"),
    ],
)
def test_mistakes_are_one_line(run_cli, files, array_file, order, options, message):
    paths = [files[precision] for precision in order]
    result = run_cli("ranges", *paths, "--inputs", array_file, *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
