import importlib.util

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from support.tfds_files import CLASS_NAMES, image_features, image_rows, write_tfds

from tflite_tools.errors import ToolError
from tflite_tools.images import load_images
from tflite_tools.tfds_source import is_tfds_name, load_tfds

SHAPE = (8, 6, 3)


def pictures(count, channels=3):
    """Of several sizes; the first pixel tells them apart."""
    rng = np.random.default_rng(count)
    sizes = [(8 + index, 12 - index % 4, channels) for index in range(count)]
    images = [rng.integers(0, 256, size).astype("uint8") for size in sizes]
    for index, image in enumerate(images):
        image[:4, :4] = 10 * index
    return images


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of prepared data sets."""
    folder = tmp_path_factory.mktemp("tfds")
    splits = {"train": image_rows(pictures(9)), "test": image_rows(pictures(4))}
    write_tfds(folder, "tiny_pets", splits, image_features())
    write_tfds(folder, "in_order", splits, image_features(), disable_shuffling=True)
    grey = {"test": image_rows(pictures(3, channels=1))}
    write_tfds(folder, "grey_pets", grey, image_features(channels=1))
    number = tfds.features.Scalar(np.int64)
    write_tfds(folder, "numbers", {"train": [{"a": 1, "b": 2}]}, {"a": number, "b": number})
    views = {"view": tfds.features.Image(shape=(None, None, 3)), "height": number}
    rows = [{"view": image, "height": 2} for image in pictures(2)]
    write_tfds(folder, "views", {"validation": rows}, views)
    several = {
        **image_features(),
        "depth": tfds.features.Image(shape=(None, None, 1)),
        "coarse_label": tfds.features.ClassLabel(names=["pet", "bird"]),
    }
    depth = np.full((8, 6, 1), 99, "uint8")
    rows = [{**row, "depth": depth, "coarse_label": 1} for row in image_rows(pictures(3))]
    write_tfds(folder, "several", {"test": rows}, several)
    write_tfds(folder, "empty", {"test": []}, image_features())
    return folder


@pytest.fixture(autouse=True)
def data_dir(root, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))


def load(name, shape=SHAPE, split="test", limit=None, preprocessing="none", **options):
    options = {"split": split, "limit": limit, "preprocessing": preprocessing, **options}
    return load_tfds(name, shape, **options)


def test_images_are_as_from_a_folder(tmp_path, capfd):
    for index, image in enumerate(pictures(4)):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    expected = load_images(tmp_path, SHAPE, limit=None, preprocessing="unit").pixels
    loaded = load("tiny_pets", preprocessing="unit")
    np.testing.assert_array_equal(loaded.pixels, expected)
    assert list(loaded.labels) == [0, 1, 2, 0]
    assert loaded.class_names == CLASS_NAMES
    assert capfd.readouterr() == ("", "")


def test_a_split_its_parts_and_a_limit():
    first = [0, 10, 20, 30, 40, 50, 60, 70, 80]
    assert load("tiny_pets", split="train").pixels[:, 0, 0, 0].tolist() == first
    assert load("tiny_pets", split="train[2:4]").pixels[:, 0, 0, 0].tolist() == [20, 30]
    assert load("tiny_pets", split="train", limit=3).pixels[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert len(load("tiny_pets", split="train", limit=100).pixels) == 9
    assert len(load("tiny_pets:1.0.0", limit=1).pixels) == 1


def test_of_records_in_order_the_limit_is_spread():
    assert load("in_order", split="train", limit=3).pixels[:, 0, 0, 0].tolist() == [0, 30, 60]


def test_grey_images_and_colour_images_fit_either_input():
    grey = load("grey_pets", (8, 6, 1)).pixels
    colour = load("grey_pets").pixels
    np.testing.assert_array_equal(colour, np.repeat(grey, 3, axis=-1))
    assert load("tiny_pets", (8, 6, 1)).pixels.shape == (4, 8, 6, 1)


def test_a_folder_given_counts_more_than_the_environment(root, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert len(load("tiny_pets", data_dir=root).pixels) == 4


def test_of_several_features_those_named_image_and_label():
    loaded = load("several")
    assert loaded.pixels[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert list(loaded.labels) == [0, 1, 2]
    assert loaded.class_names == CLASS_NAMES


def test_images_of_another_name_without_labels():
    loaded = load("views", split="validation")
    assert len(loaded.pixels) == 2
    assert (loaded.labels, loaded.class_names) == (None, None)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cifar10", {}, "cifar10: the data set is not prepared in .*: tfds build cifar10 --data_d"),
        ("cifar11", {}, "no such file or folder, and TFDS has no .* near it: .*cifar10.*"),
        ("qqqqqqqqqqqq", {}, r"TFDS has no data set of that name\.$"),
        ("cifar10/blue", {}, "cifar10/blue: TFDS cannot open the data set: ValueError: .*blue not"),
        ("tiny_pets:7.0.0", {}, "tiny_pets:7.0.0: .*TFDS"),
        ("tiny_pets", {"split": None}, "expected the name of a split, one of train, test, got non"),
        ("tiny_pets", {"split": "val"}, "expected one of the splits train, test, or .*, got val"),
        ("tiny_pets", {"split": "train[:9"}, "expected one of the splits train, test"),
        ("tiny_pets", {"split": "train[:0]"}, "expected images in split train.:0., got none"),
        ("empty", {"split": "test"}, "empty: expected images in split test, got none"),
        ("numbers", {"split": "train"}, "data set of images, got one with the features a, b"),
        ("tiny_pets", {"shape": (10,)}, "images fit an input of"),
        ("nofolder", {"shape": (10,)}, "nofolder: no such file or folder"),
    ],
)
def test_what_cannot_be_loaded(name, options, message, capfd):
    with pytest.raises(ToolError, match=message) as caught:
        load(name, **options)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_damaged_records(root, tmp_path):
    write_tfds(tmp_path, "cut", {"test": image_rows(pictures(4))}, image_features())
    (records,) = tmp_path.rglob("*tfrecord*")
    records.write_bytes(records.read_bytes()[:600])
    with pytest.raises(ToolError, match=r"cut: record 1 of split test cannot be read: .* again"):
        load("cut", data_dir=tmp_path)


def test_damaged_metadata(tmp_path):
    write_tfds(tmp_path, "cut", {"test": image_rows(pictures(1))}, image_features())
    (tmp_path / "cut" / "1.0.0" / "features.json").write_text("{")
    with pytest.raises(ToolError, match="cut: TFDS cannot open the data set: JSONDecodeError"):
        load("cut", data_dir=tmp_path)


def test_tfds_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"pip install 'keras-finet\[datasets\]'"):
        load("tiny_pets")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cifar10", True),
        ("imagenet_v2/top-images", True),
        ("imagenet_v2/top-images:3.0.0", True),
        ("cifar10:3.*.*", True),
        ("images/", False),
        ("missing.npy", False),
        ("/data/images", False),
        ("../images", False),
        ("a/b/c", False),
        ("My images", False),
        ("", False),
    ],
)
def test_names(text, expected):
    assert is_tfds_name(text) is expected
