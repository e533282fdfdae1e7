import itertools

import numpy as np
import pytest
from PIL import Image
from support.tfds_files import CLASS_NAMES, image_features, image_rows, write_tfds

from tflite_tools.datasets import LabelledSamples, check_classes, load_labelled
from tflite_tools.errors import ToolError

SHAPE = (4, 4, 3)
DATA = np.random.default_rng(0).normal(size=(10, *SHAPE)).astype("float32")


def load(source, **options):
    return load_all(source, labels="ignored", **options).samples


def load_all(source, **options):
    return load_labelled(source, SHAPE, what="calibration data", **options)


@pytest.fixture(params=["npy", "npz", "npz compressed"])
def array_file(request, tmp_path):
    suffix, _, _ = request.param.partition(" ")
    path = tmp_path / f"data.{suffix}"
    save = {"npy": np.save, "npz": np.savez, "npz compressed": np.savez_compressed}
    save[request.param](path, DATA)
    return path


def test_files_of_one_array(array_file):
    np.testing.assert_array_equal(load(array_file), DATA)
    np.testing.assert_array_equal(load(str(array_file), limit=4), DATA[[0, 3, 6, 9]])


class TensorLike:
    """As the tensors of a framework: an array for NumPy, without its fancy indexing."""

    def __array__(self, dtype=None, copy=None):
        return DATA.astype(dtype or "float32")


@pytest.mark.parametrize(
    "source",
    [
        DATA,
        DATA.astype("float64"),
        DATA.tolist(),
        TensorLike(),
        list(DATA),
        tuple(DATA),
        [DATA[:7], DATA[7:]],
        [(DATA[:7], "labels"), (DATA[7:], "labels")],
    ],
    ids=["array", "float64", "nested lists", "tensor", "list", "tuple", "batches", "labelled"],
)
def test_every_form_gives_the_same_samples(source):
    np.testing.assert_array_equal(load(source), DATA)
    np.testing.assert_array_equal(load(source, limit=4), DATA[[0, 3, 6, 9]])


def test_of_an_endless_iterator_the_first_samples_are_taken():
    np.testing.assert_array_equal(load(itertools.cycle(DATA), limit=13), [*DATA, *DATA[:3]])
    batches = (DATA[start : start + 4] for start in itertools.cycle([0, 4]))
    np.testing.assert_array_equal(load(batches, limit=6), DATA[:6])


def test_of_a_folder_the_images_are_taken(tmp_path):
    for value in (0, 51, 255):
        Image.new("RGB", (4, 4), (value,) * 3).save(tmp_path / f"{value:03}.png")
    loaded = load(tmp_path, preprocessing="unit", limit=2)
    np.testing.assert_allclose(loaded[:, 0, 0, 0], [0, 1])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (DATA[..., :1], r"calibration data: expected shape \(N, 4, 4, 3\).*got \(10, 4, 4, 1\)"),
        (DATA[:0], "calibration data: expected at least one sample"),
        (np.where(np.arange(3) == 1, np.nan, DATA), "calibration data: NaN or infinity in 10"),
        ([DATA[0], DATA[0, 0]], r"samples of shape \(4, 4, 3\), or batches.*shape \(4, 3\)"),
        ([], "expected at least one sample"),
        (iter([]), "expected at least one sample"),
        ({"image": DATA}, "expected an array, an iterable of arrays or a path, got dict"),
        (7, "got int"),
        ("missing.npy", r"no such file or folder: missing\.npy"),
        (__file__, r"expected an \.npy file, an \.npz file, a folder of images or .*, got .*\.py"),
    ],
)
def test_what_cannot_calibrate(source, message):
    with pytest.raises(ToolError, match=message):
        load(source)


def test_messages_name_the_file(tmp_path):
    path = tmp_path / "flat.npy"
    np.save(path, DATA.reshape(10, -1))
    with pytest.raises(ToolError, match=r"flat\.npy: expected shape .* got \(10, 48\)"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"text"])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_files_that_are_not_arrays(tmp_path, suffix, content):
    path = tmp_path / f"broken.{suffix}"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=rf"broken\.{suffix}: expected an array of numbers saved"):
        load(path)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickled_objects_are_not_loaded(tmp_path, suffix):
    path = tmp_path / f"objects.{suffix}"
    save = {"npy": np.save, "npz": np.savez}[suffix]
    save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(ToolError, match=rf"objects\.{suffix}: expected an array of numbers"):
        load(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_a_damaged_array_in_an_npz_file(tmp_path, save, share):
    path = tmp_path / "damaged.npz"
    save(path, DATA)
    content = bytearray(path.read_bytes())
    middle = int(share * len(content))
    content[middle : middle + 20] = bytes(byte ^ 0xFF for byte in content[middle : middle + 20])
    path.write_bytes(content)
    with pytest.raises(ToolError, match=r"damaged\.npz: expected an array of numbers saved"):
        load(path)


@pytest.mark.parametrize(
    ("arrays", "got"),
    [
        ({}, "none"),
        ({"a": DATA, "b": DATA}, "2: a, b"),
        ({"x_test": DATA, "y_test": DATA}, "2: x_test, y_test"),
    ],
)
def test_an_npz_file_that_does_not_say_where_the_samples_are(tmp_path, arrays, got):
    path = tmp_path / "many.npz"
    np.savez(path, **arrays)
    with pytest.raises(
        ToolError, match=rf"many\.npz: expected one array, or .*y_train, got {got}\."
    ):
        load(path)


LABELS = np.arange(10) % 4


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("x", "y"), None),
        (("images", "labels"), "train"),
        (("x_test", "y_test"), "test"),
    ],
)
def test_an_npz_file_with_labels(tmp_path, names, split):
    path = tmp_path / "both.npz"
    np.savez(path, **dict(zip(names, (DATA, LABELS), strict=True)))
    loaded = load_all(path, split=split, limit=4)
    np.testing.assert_array_equal(loaded.samples, DATA[[0, 3, 6, 9]])
    assert loaded.labels.tolist() == LABELS[[0, 3, 6, 9]].tolist()
    assert (loaded.class_names, loaded.source) == (None, str(path))


def test_an_npz_file_whose_labels_are_fewer(tmp_path):
    path = tmp_path / "few.npz"
    np.savez(path, x=DATA, y=LABELS[:9])
    with pytest.raises(ToolError, match=r"few\.npz: expected one label for each of 10 samples"):
        load_all(path, limit=2)


@pytest.mark.parametrize(
    "source",
    [
        lambda: (DATA, LABELS),
        lambda: (DATA, np.eye(4)[LABELS]),
        lambda: [(DATA[:7], LABELS[:7]), (DATA[7:], LABELS[7:])],
        lambda: [[DATA[:7], LABELS[:7]], [DATA[7:], LABELS[7:]]],
        lambda: zip(DATA, LABELS, strict=True),
        lambda: ({"image": DATA[i : i + 5], "label": LABELS[i : i + 5]} for i in (0, 5)),
        lambda: [{"x": sample, "y": label} for sample, label in zip(DATA, LABELS, strict=True)],
    ],
    ids=["pair", "one-hot", "batches", "lists", "singles", "dicts of batches", "dicts"],
)
def test_python_objects_with_labels(source):
    loaded = load_all(source())
    np.testing.assert_array_equal(loaded.samples, DATA)
    assert loaded.labels.tolist() == LABELS.tolist()


def test_a_limit_takes_the_labels_of_its_samples():
    assert load_all((DATA, LABELS), limit=4).labels.tolist() == LABELS[[0, 3, 6, 9]].tolist()
    examples = list(zip(DATA, LABELS, strict=True))
    assert load_all(examples, limit=4).labels.tolist() == LABELS[[0, 3, 6, 9]].tolist()
    assert load_all(itertools.cycle(examples), limit=12).labels.tolist() == [*LABELS, 0, 1]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([(DATA, LABELS[:4])], r"expected 10 labels with a batch of 10 samples, got .*\(4,\)"),
        ([(DATA[0], 1), (DATA[1], [1, 0])], "expected labels of one shape, got several"),
        ([{"pixels": DATA}], "dicts with image or images or x, got the keys pixels"),
    ],
)
def test_python_objects_whose_labels_do_not_fit(source, message):
    with pytest.raises(ToolError, match=message):
        load_all(source)


@pytest.fixture
def class_folder(tmp_path):
    """Two classes of images, one of none, and a folder that the system hides."""
    for name, values in {"dog": (10, 20), "cat/indoors": (30,), "cat": (40,)}.items():
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        for value in values:
            Image.new("RGB", (9, 5), (value,) * 3).save(tmp_path / name / f"{value}.png")
    (tmp_path / "emu").mkdir()
    (tmp_path / ".thumbnails").mkdir()
    return tmp_path


def test_sub_folders_are_the_classes(class_folder):
    loaded = load_all(class_folder, preprocessing="none")
    assert loaded.class_names == ("cat", "dog", "emu")
    by_value = dict(zip(loaded.samples[:, 0, 0, 0], loaded.labels, strict=True))
    assert by_value == {30: 0, 40: 0, 10: 1, 20: 1}
    assert loaded.labels.dtype == np.int64


def test_a_flat_folder_has_no_labels(class_folder):
    loaded = load_all(class_folder / "dog")
    assert (len(loaded.samples), loaded.labels, loaded.class_names) == (2, None, None)
    # Nor has one with an image beside the sub-folders.
    Image.new("RGB", (4, 4)).save(class_folder / "stray.png")
    assert load_all(class_folder).labels is None


def test_labels_stay_with_their_images_when_some_are_skipped(class_folder):
    (class_folder / "cat" / "35.png").write_text("no image")
    loaded = load_all(class_folder, preprocessing="none", skip_unreadable=True)
    assert loaded.skipped == (class_folder / "cat" / "35.png",)
    assert loaded.labels.tolist() == [0, 0, 1, 1]
    assert len(loaded.samples) == 4


@pytest.fixture
def tfds_root(tmp_path, monkeypatch):
    images = [np.full((9, 5, 3), value, "uint8") for value in (10, 20, 30, 40)]
    write_tfds(tmp_path, "tiny_pets", {"test": image_rows(images)}, image_features())
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    return tmp_path


def test_a_tfds_name(tfds_root):
    loaded = load_all("tiny_pets", split="test", preprocessing="none")
    assert loaded.samples[:, 0, 0, 0].tolist() == [10, 20, 30, 40]
    assert loaded.labels.tolist() == [0, 1, 2, 0]
    assert (loaded.class_names, loaded.source) == (CLASS_NAMES, "tiny_pets (test)")


def test_a_path_that_exists_comes_before_a_tfds_name(tfds_root, class_folder, monkeypatch):
    monkeypatch.chdir(class_folder)
    assert load_all("dog").source == "dog"
    with pytest.raises(ToolError, match="dogs: no such file or folder, and TFDS has no data set"):
        load_all("dogs", split="test")


def test_labels_that_are_required(class_folder):
    assert load_all(class_folder, labels="required").labels is not None
    for source in (class_folder / "dog", DATA, [DATA]):
        with pytest.raises(ToolError, match=r"with labels, got samples only\. Labels are known of"):
            load_all(source, labels="required")


def labelled(labels=None, names=None):
    labels = None if labels is None else np.array(labels)
    return LabelledSamples(DATA, labels, names, "pets/")


def test_classes_of_the_model():
    check_classes(labelled([0, 2], ("a", "b", "c")), 3)
    check_classes(labelled([0, 1]), 3)
    check_classes(labelled(), 3)
    with pytest.raises(
        ToolError, match=r"pets/: expected the 4 classes.* of 3 classes \(a, b, c\)"
    ):
        check_classes(labelled([0, 2], ("a", "b", "c")), 4)
    with pytest.raises(ToolError, match=r"of 9 classes .a, b, c, d, e, …"):
        check_classes(labelled([0], tuple("abcdefghi")), 4)
    with pytest.raises(ToolError, match=r"pets/: expected labels from 0 to 1, .* from 0 to 2"):
        check_classes(labelled([0, 2]), 2)


def test_one_hot_labels_of_another_number_of_classes():
    one_hot = load_all((DATA, np.eye(12)[np.arange(len(DATA)) % 5]))
    assert one_hot.columns == 12
    check_classes(one_hot, 12)
    with pytest.raises(ToolError, match=r"expected the 10 classes .* one-hot labels of 12 classes"):
        check_classes(one_hot, 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "expected 1 or more samples, got a limit of 0"),
        ({"preprocessing": "caffe"}, "preprocessing: expected one of torch, tf, unit, none"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ToolError, match=message):
        load(DATA, **options)
