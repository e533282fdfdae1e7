"""Data in the real formats, in orders that depend on the seed alone, and images that are broken."""

import io
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from command_line import InputError
from image_data import load_digits
from PIL import Image
from recipe.augmentation import decode
from recipe.pipeline import (
    AUGMENTATIONS,
    evaluation_batches,
    pixel_normalization,
    steps_per_epoch,
    training_batches,
)
from recipe.readable import readable_images
from recipe.settings import Recipe
from recipe.shares import WHOLE, Share
from recipe.sources import open_source
from support.recipe_data import SIDE, pictures, write_folder, write_prepared
from support.tfds_files import CLASS_NAMES, image_features, image_rows, write_tfds

import keras_finet
from tflite_tools.errors import ToolError

TRAIN, TEST = 21, 9


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    write_folder(folder / "classes", TRAIN, TEST)
    write_prepared(folder, train=TRAIN, test=TEST)
    return folder


@pytest.fixture(params=["classes", "tiny_pets"])
def source(request, root):
    return open_source(recipe(root, request.param), data_dir=root)


def recipe(root, name="classes", **changes):
    dataset = str(root / name) if name == "classes" else name
    settings = {"image_size": SIDE, "augmentation": "pad_and_crop", "batch_size": 4, **changes}
    return Recipe(dataset=dataset, **settings)


def labels_of(batches):
    return np.concatenate([labels for _, labels in batches.as_numpy_iterator()]).argmax(-1)


def arrays(batches):
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_sizes_and_classes(source):
    assert (source.train_size, source.evaluation_size) == (TRAIN, TEST)
    assert source.class_names == CLASS_NAMES
    assert source.notes == ()


def test_an_order_for_each_seed_that_holds_every_record_once(source):
    def order(seed, **options):
        records = source.training_records(seed, **options).as_numpy_iterator()
        return [(hash(encoded), int(label)) for encoded, label in records]

    first = order(1)
    assert len(set(first)) == TRAIN
    assert order(1) == first
    assert order(2) != first
    assert sorted(order(2)) == sorted(first)
    assert order(1, skip=5) == first[5:]


def test_the_images_have_their_labels(source):
    """Each class has a brightness of its own."""
    for encoded, label in source.training_records(3).as_numpy_iterator():
        assert 60 * label < tf.io.decode_image(encoded).numpy().mean() < 60 * label + 120
    labels = [label for _, label in source.evaluation_records().as_numpy_iterator()]
    assert sorted(labels) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_batches_depend_on_seed_epoch_and_step_alone(source, root):
    settings = recipe(root, seed=5)
    assert steps_per_epoch(source, settings) == 5
    images, labels = arrays(training_batches(source, settings, epoch=3))
    assert images.shape == (20, SIDE, SIDE, 3)
    assert labels.shape == (20, 3)
    again = arrays(training_batches(source, settings, epoch=3))
    np.testing.assert_array_equal(again[0], images)
    later = training_batches(source, settings, epoch=3, first_step=2)
    assert later.cardinality() == 3
    np.testing.assert_array_equal(arrays(later)[0], images[8:])
    np.testing.assert_array_equal(arrays(later)[1], labels[8:])
    for other in (
        training_batches(source, settings, epoch=4),
        training_batches(source, recipe(root, seed=6), epoch=3),
    ):
        assert np.abs(arrays(other)[0] - images).max() > 0.1


def test_the_shares_of_all_processes_are_the_batches(source, root):
    settings = recipe(root, seed=5)
    shares = [Share(index, 2) for index in range(2)]
    for whole, *parts in (
        [training_batches(source, settings, 3, 1, share) for share in (WHOLE, *shares)],
        [evaluation_batches(source, settings, share) for share in (WHOLE, *shares)],
    ):
        ours = [batch.as_numpy_iterator() for batch in parts]
        for images, labels in whole.as_numpy_iterator():
            together = [next(part, None) for part in ours]  # of the last one there may be none
            halves = [half for half in together if half is not None]
            np.testing.assert_array_equal(np.concatenate([half[0] for half in halves]), images)
            np.testing.assert_array_equal(np.concatenate([half[1] for half in halves]), labels)
        assert [next(part, None) for part in ours] == [None, None]


def test_the_share_of_another_process_is_not_decoded(root):
    """Every fourth image is no image: only the second process stumbles over it."""
    settings = recipe(root, "tiny_pets")
    images, labels = pictures(8, seed=0), np.zeros(8, "int64")
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    encoded[3::4] = [b"no image"] * 2
    records = tf.data.Dataset.from_tensor_slices((encoded, labels))
    source = SimpleNamespace(
        name="damaged",
        version=None,
        class_names=CLASS_NAMES,
        train_size=8,
        training_records=lambda seed, skip: records.skip(skip),
        evaluation_records=lambda: records,
    )
    for batches in (
        lambda share: training_batches(source, settings, 0, share=share),
        lambda share: evaluation_batches(source, settings, share),
    ):
        assert [len(part) for part, _ in batches(Share(0, 2)).as_numpy_iterator()] == [2, 2]
        with pytest.raises(tf.errors.InvalidArgumentError):
            list(batches(Share(1, 2)))


def test_evaluation_holds_every_image_as_it_is(root):
    settings = recipe(root, "tiny_pets")
    source = open_source(settings, data_dir=root)
    images, labels = arrays(evaluation_batches(source, settings))
    expected = keras_finet.preprocess_input(pictures(TEST, seed=1).astype("float32"))
    np.testing.assert_allclose(images, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, np.eye(3)[np.arange(TEST) % 3])


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_all_but_the_last_batch_have_one_shape_that_is_known(root, augmentation):
    settings = recipe(root, augmentation=augmentation)
    source = open_source(settings)
    images, labels = training_batches(source, settings, epoch=0).element_spec
    assert images.shape.as_list() == [4, SIDE, SIDE, 3]
    assert labels.shape.as_list() == [4, 3]
    images, labels = evaluation_batches(source, settings).element_spec
    assert images.shape.as_list() == [None, SIDE, SIDE, 3]


def test_no_tuner_is_waited_for_when_an_epoch_is_over(source, root):
    settings = recipe(root)
    for batches in (
        training_batches(source, settings, epoch=0),
        evaluation_batches(source, settings),
    ):
        assert batches.options().autotune.enabled is False


def test_statistics_of_cifar():
    """Those of the training images, as everyone gives them, to four digits."""
    grey = np.full((1, 3), 0.5 * 255)
    of_imagenet = keras_finet.preprocess_input(grey[None].copy())[0]
    cifar10 = (0.5 - np.array([[0.4914, 0.4822, 0.4465]])) / [0.2470, 0.2435, 0.2616]
    for name, version, expected in (
        ("cifar10:3.*.*", "3.0.2", cifar10),
        ("imagenet2012", "5.1.0", of_imagenet),
        ("cifar10", None, of_imagenet),  # a folder, whatever its name
    ):
        source = SimpleNamespace(name=name, version=version)
        found = pixel_normalization(source, Recipe(dataset=name))(grey)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_pixels_of_a_recipe_come_before_those_of_the_data(root):
    own = ((10.0, 20.0, 30.0), (40.0, 50.0, 60.0))
    settings = recipe(root, "tiny_pets", pixels=own)
    source = open_source(settings, data_dir=root)
    images, _ = arrays(evaluation_batches(source, settings))
    expected = (pictures(TEST, seed=1) - np.array(own[0])) / own[1]
    np.testing.assert_allclose(images, expected, atol=1e-5)
    assert pixel_normalization(source, settings).name == "own"
    plain = pixel_normalization(source, recipe(root, "tiny_pets"))
    same = recipe(root, "tiny_pets", pixels=(plain.mean, plain.std))
    assert pixel_normalization(source, same).name == "torch"


def test_limits(root):
    limits = {"train_limit": 8, "evaluation_limit": 4}
    for name in ("classes", "tiny_pets"):
        settings = recipe(root, name, **limits)
        source = open_source(settings, data_dir=root)
        assert (source.train_size, source.evaluation_size) == (8, 4)
        assert len(labels_of(evaluation_batches(source, settings))) == 4
        assert len(list(source.training_records(0))) == 8


def test_a_folder_with_the_name_of_a_data_set_says_so(root, monkeypatch):
    monkeypatch.chdir(root)
    (note,) = open_source(Recipe(dataset="classes")).notes
    assert note.startswith("classes: the folder of that name is used, not a TFDS data set.")
    assert open_source(Recipe(dataset="classes/")).notes == ()


def test_with_a_folder_of_data_sets_a_name_is_that_of_one(root, monkeypatch):
    monkeypatch.chdir(root)
    assert (root / "tiny_pets").is_dir()  # TFDS' own
    assert open_source(Recipe(dataset="tiny_pets"), data_dir=root).version is not None


def test_a_folder_of_classes_alone_keeps_a_fifth_to_evaluate_on(root):
    source = open_source(Recipe(dataset=str(root / "classes" / "train")))
    assert (source.train_size, source.evaluation_size) == (18, 3)  # one of seven of each class
    both = [encoded for encoded, _ in source.training_records(0).as_numpy_iterator()]
    both += [encoded for encoded, _ in source.evaluation_records().as_numpy_iterator()]
    assert len(set(both)) == TRAIN


def test_a_class_of_one_image_cannot_be_divided(tmp_path):
    data = write_folder(tmp_path, train=4) / "train"  # one of dog and one of emu
    with pytest.raises(InputError, match=r"dog: expected at least two images, .* got one"):
        open_source(Recipe(dataset=str(data)))


class TestUnreadableImages:
    @pytest.fixture
    def folder(self, tmp_path):
        data = write_folder(tmp_path / "data")
        (data / "train" / "cat" / "000.png").write_bytes(b"no image")
        whole = (data / "val" / "dog" / "001.jpg").read_bytes()
        (data / "val" / "dog" / "001.jpg").write_bytes(whole[: len(whole) // 2])
        (data / "train" / "emu" / "notes.txt").write_text("hello")
        Image.fromarray(pictures(1)[0]).save(data / "train" / "emu" / "x.tif")
        return data

    def test_are_named_and_counted(self, folder):
        with pytest.raises(InputError) as caught:
            open_source(Recipe(dataset=str(folder)))
        said = str(caught.value)
        assert "4 of 32 files cannot be read as JPEG, PNG, GIF, BMP or WebP" in said
        for name in ("train/cat/000.png", "train/emu/notes.txt", "train/emu/x.tif and 1 more"):
            assert str(folder / name) in said
        assert "--skip-unreadable" in said

    def test_can_be_left_out(self, folder):
        source = open_source(Recipe(dataset=str(folder)), skip_unreadable=True)
        assert (source.train_size, source.evaluation_size) == (20, 8)
        assert "left out, as 4 of 32 files cannot be read" in source.notes[0]
        labels = [int(label) for _, label in source.evaluation_records().as_numpy_iterator()]
        assert labels == [0, 0, 0, 1, 1, 2, 2, 2]

    def test_are_remembered_until_a_file_changes(self, folder, tmp_path):
        remember = tmp_path / "readable.json"
        options = {"skip_unreadable": True, "remember": remember}
        open_source(Recipe(dataset=str(folder)), **options)
        outcome = json.loads(remember.read_text())
        assert len(outcome["unreadable"]) == 4
        outcome["unreadable"] = outcome["unreadable"][:1]
        remember.write_text(json.dumps(outcome))
        assert open_source(Recipe(dataset=str(folder)), **options).train_size == 22
        os.utime(folder / "train" / "dog" / "001.png", (0, 0))
        assert open_source(Recipe(dataset=str(folder)), **options).train_size == 20
        Image.fromarray(pictures(1)[0]).save(folder / "train" / "cat" / "000.png")
        assert open_source(Recipe(dataset=str(folder)), **options).train_size == 21

    @pytest.mark.parametrize(
        ("lost", "message"),
        [
            ("val", "cat: all images to evaluate on are unreadable, and of 2 more classes. "),
            ("train/dog", "dog: all images to train on are unreadable. "),
            ("val/emu", "emu: all images to evaluate on are unreadable. "),
        ],
    )
    def test_none_of_a_class(self, lost, message, folder):
        for file in (folder / lost).rglob("*.*"):
            file.write_bytes(b"")
        with pytest.raises(InputError, match=f"^{folder}: class {message}") as caught:
            open_source(Recipe(dataset=str(folder)), skip_unreadable=True)
        assert "Replace them, or remove that class" in str(caught.value)

    def test_none_at_all(self, folder):
        for file in folder.rglob("*.*"):
            file.write_bytes(b"")
        with pytest.raises(InputError, match="32 of 32 files cannot be read"):
            open_source(Recipe(dataset=str(folder)), skip_unreadable=True)


def bitmaps(folder):
    """Bitmaps that TensorFlow reads as Pillow does, and others."""
    picture = Image.fromarray(pictures(1)[0])
    good = {"colors": picture, "greys": picture.convert("L"), "opaque": picture.convert("RGBA")}
    bad = {"palette": picture.quantize(64), "few": picture.quantize(4), "two": picture.convert("1")}
    for name, image in {**good, **bad}.items():
        image.save(folder / f"{name}.bmp")
    compressed = bytearray((folder / "greys.bmp").read_bytes())
    compressed[30] = 1  # run lengths
    (folder / "lengths.bmp").write_bytes(compressed)
    return set(good), {*bad, "lengths"}


def test_bitmaps_are_read_right_or_not_at_all(tmp_path):
    good, bad = bitmaps(tmp_path)
    files = sorted(tmp_path.glob("*.bmp"))
    readable, note = readable_images(tmp_path, files, True, None)
    found = {file.stem for file, fine in zip(files, readable, strict=True) if fine}
    assert found == good
    assert f"{len(bad)} of {len(files)} files cannot be read" in note
    for name in good:
        encoded = (tmp_path / f"{name}.bmp").read_bytes()
        with Image.open(tmp_path / f"{name}.bmp") as image:
            np.testing.assert_array_equal(decode(encoded), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("name", ["caf\udce9", "two\nlines"])
def test_class_names_that_cannot_be_printed_are_refused(name, tmp_path):
    data = write_folder(tmp_path)
    for part in ("train", "val"):
        (data / part / "emu").rename(data / part / name)
    with pytest.raises(InputError, match="names of characters that can be printed, got ") as caught:
        open_source(Recipe(dataset=str(data)))
    assert ascii(name) in str(caught.value)
    str(caught.value).encode()


def test_files_may_have_any_name(tmp_path):
    data = write_folder(tmp_path)
    odd = data / "train" / "cat" / "caf\udce9.png"
    (data / "train" / "cat" / "000.png").rename(odd)
    source = open_source(Recipe(dataset=str(data)), remember=tmp_path / "readable.json")
    assert len(list(source.training_records(0))) == TRAIN
    odd.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"caf\\xe9\.png"):
        open_source(Recipe(dataset=str(data)))


def test_other_classes_to_evaluate_on(tmp_path):
    data = write_folder(tmp_path)
    (data / "val" / "emu").rename(data / "val" / "yak")
    with pytest.raises(InputError, match=r"same classes in train and val.* only: emu, yak"):
        open_source(Recipe(dataset=str(data)))


def test_folders_without_what_is_needed(tmp_path):
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(InputError, match="has a folder train, but none of val, validation, test"):
        open_source(Recipe(dataset=str(tmp_path)))
    (tmp_path / "val").mkdir()
    with pytest.raises(InputError, match="at least two class folders of images, got 1"):
        open_source(Recipe(dataset=str(tmp_path)))
    (tmp_path / "train" / "dog").mkdir(parents=True)
    for name in ("cat", "dog"):
        (tmp_path / "val" / name).mkdir()
    with pytest.raises(InputError, match="cat: expected images, got none"):
        open_source(Recipe(dataset=str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "imagenet2012",
            r"tfds build imagenet2012 --data_dir .* after .*/downloads/manual",
        ),
        ("cifar10", "cifar10: the data set is not prepared"),
        ("cifar11", "TFDS has no data set of that name; near it: .*cifar10"),
    ],
)
def test_data_sets_that_are_not_there(name, message, root):
    with pytest.raises(ToolError, match=message):
        open_source(Recipe(dataset=name), data_dir=root)


def test_a_data_set_without_labels_or_splits(tmp_path):
    rows = image_rows(pictures(4))
    write_tfds(tmp_path, "only_test", {"test": rows}, image_features())
    with pytest.raises(InputError, match=r"expected the splits train and validation .*, got test"):
        open_source(Recipe(dataset="only_test"), data_dir=tmp_path)
    bare = [{"image": row["image"]} for row in rows]
    write_tfds(tmp_path, "bare", {"train": bare}, {"image": image_features()["image"]})
    with pytest.raises(InputError, match="bare: expected a data set with class labels"):
        open_source(Recipe(dataset="bare"), data_dir=tmp_path)


def test_the_digits():
    wanted = load_digits(32)
    digits = open_source(Recipe(dataset="digits", image_size=32))
    assert (digits.train_size, digits.evaluation_size) == (1438, 359)
    assert digits.class_names == tuple("0123456789")
    images, labels = zip(*digits.evaluation_records().as_numpy_iterator(), strict=True)
    np.testing.assert_array_equal(labels, wanted.test_labels)
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(image))) for image in images])
    np.testing.assert_array_equal(pixels, wanted.test_images)

    def order(seed, skip=0):
        records = digits.training_records(seed, skip).as_numpy_iterator()
        return [image for image, _ in records]

    assert order(1, 100) == order(1)[100:]
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))


def test_a_few_of_the_digits_and_a_folder_of_that_name(root, tmp_path, monkeypatch):
    few = open_source(Recipe("digits", image_size=8, train_limit=20, evaluation_limit=5))
    assert (few.train_size, few.evaluation_size) == (20, 5)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").symlink_to(root / "classes")
    assert open_source(Recipe("digits")).class_names == CLASS_NAMES
