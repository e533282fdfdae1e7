import itertools

import numpy as np
import pytest
from PIL import Image

from tflite_tools.calibration import load_samples
from tflite_tools.errors import ToolError

SHAPE = (4, 4, 3)
DATA = np.random.default_rng(0).normal(size=(10, *SHAPE)).astype("float32")


def load(source, **options):
    return load_samples(source, SHAPE, what="calibration data", **options)


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
        (__file__, r"expected an \.npy file, an \.npz file or a folder of images, got .*\.py"),
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


def test_an_npz_file_without_an_array(tmp_path):
    path = tmp_path / "empty.npz"
    np.savez(path)
    with pytest.raises(ToolError, match=r"empty\.npz: expected one array, got none\. Save"):
        load(path)


def test_an_npz_file_of_several_arrays_is_ambiguous(tmp_path):
    path = tmp_path / "both.npz"
    np.savez(path, images=DATA, labels=np.arange(10))
    with pytest.raises(ToolError, match="expected one array, got 2: images, labels"):
        load(path)


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
