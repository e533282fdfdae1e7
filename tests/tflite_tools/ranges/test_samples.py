"""What both files of a range report are fed: what they say, unless the user says otherwise."""

import numpy as np
import pytest
from PIL import Image
from support.tfds_files import image_features, image_rows, write_tfds

from tflite_tools import convert, range_report
from tflite_tools.errors import ToolError
from tflite_tools.preprocessing import normalization


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(0, 256, (8, 8, 8, 3)).astype("uint8")


@pytest.fixture(scope="module")
def images(pixels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def pixel_files(chain, images, pair_of_files):
    return pair_of_files(chain(), calibration=images, include_preprocessing=True)


@pytest.fixture(scope="module")
def tf_files(chain, images, pair_of_files):
    return pair_of_files(chain(), calibration=images, preprocessing="tf")


def test_files_with_the_preprocessing_get_pixels(pixel_files, images, pixels):
    report = range_report(*pixel_files, images)
    assert (report.tensors[0].low, report.tensors[0].high) == (pixels.min(), pixels.max())
    assert report.tensors[-1].snr_db > 20
    for source, preprocessing in ((pixels, None), (images, "none"), (images, "torch")):
        same = range_report(*pixel_files, source, preprocessing=preprocessing)
        assert same.tensors == report.tensors


def test_images_undergo_what_the_files_say(tf_files, images, pixels):
    report = range_report(*tf_files, images)
    assert report.tensors == range_report(*tf_files, normalization("tf", 3)(pixels)).tensors
    other = range_report(*tf_files, images, preprocessing="unit")
    assert other.tensors == range_report(*tf_files, normalization("unit", 3)(pixels)).tensors
    assert other.tensors != report.tensors


def test_files_that_say_nothing_get_torch(sound_files, images, pixels):
    report = range_report(*sound_files, images)
    normalized = normalization("torch", 3)(pixels)
    assert report.tensors == range_report(*sound_files, normalized).tensors


def test_samples_that_are_no_pixels(pixel_files, chain_samples):
    with pytest.raises(ToolError, match="inputs: expected pixels from 0 to 255"):
        range_report(*pixel_files, chain_samples)


def test_files_that_are_not_fed_alike(chain, pixel_files, tf_files, images, tmp_path):
    unit = convert(chain(), tmp_path, inputs=images, preprocessing="unit").records[0].file
    with pytest.raises(ToolError, match=r"expected one for all files, .* got tf, unit. Give"):
        range_report(unit, tf_files[1], images)
    assert range_report(unit, tf_files[1], images, preprocessing="tf").samples == 8
    with pytest.raises(ToolError, match=r"expected one for all files, .* got tf, torch"):
        range_report(*pixel_files, images, preprocessing="tf")
    for exact, rounded in ((pixel_files[0], tf_files[1]), (tf_files[0], pixel_files[1])):
        odd, other = (exact, rounded) if exact == pixel_files[0] else (rounded, exact)
        with pytest.raises(ToolError, match=f"{odd}: takes pixels, .* but {other} does not"):
            range_report(exact, rounded, images, preprocessing="none")


def test_unreadable_images_are_left_out_and_counted(tf_files, pixels, tmp_path):
    for index, image in enumerate(pixels[:2]):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    (tmp_path / "broken.png").write_text("no image")
    with pytest.raises(ToolError, match=r"1 of 3 cannot be read: .*broken.png"):
        range_report(*tf_files, tmp_path)
    report = range_report(*tf_files, tmp_path, skip_unreadable=True)
    assert (report.samples, report.skipped) == (2, 1)
    assert "1 unreadable images left out." in str(report)


def test_a_tfds_data_set(tf_files, pixels, tmp_path, monkeypatch):
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    splits = {"train": image_rows(list(pixels)), "test": image_rows(list(pixels[:3]))}
    write_tfds(tmp_path, "tiny_pets", splits, image_features())
    report = range_report(*tf_files, "tiny_pets", split="test", data_dir=tmp_path)
    assert report.samples == 3
