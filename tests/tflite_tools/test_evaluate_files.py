import shutil

import numpy as np
import pytest
from PIL import Image

from tflite_tools.errors import ToolError
from tflite_tools.file_evaluation import evaluate_files
from tflite_tools.inspection import inspect_model
from tflite_tools.interpreter import LiteModel
from tflite_tools.metadata import ModelMetadata, write_metadata


@pytest.fixture(scope="module")
def labels(expected):
    """Those of the Keras model, but for every fifth sample."""
    return (expected.argmax(-1) + (np.arange(50) % 5 == 0)) % 5


@pytest.fixture(scope="module")
def labelled_file(samples, labels, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "labelled.npz"
    np.savez(path, x=samples, y=labels)
    return path


@pytest.fixture(scope="module")
def plain_file(samples, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "plain.npy"
    np.save(path, samples)
    return path


@pytest.fixture(scope="module")
def image_folder(tmp_path_factory):
    """Five classes with two images each, one of which cannot be read."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name in "abcde":
        (folder / name).mkdir()
        for index in range(2):
            pixels = rng.integers(0, 256, (20, 20, 3), "uint8")
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    (folder / "c" / "1.png").write_text("not an image")
    return folder


def test_files_and_reference_on_one_data_set(files, keras_file, labelled_file):
    report = evaluate_files(
        files.values(), labelled_file, reference=keras_file, min_accuracy=0.7, min_agreement=1.0
    )
    assert [record.file for record in report.records] == list(files.values())
    assert report.reference.name == "saved.keras"
    assert report.reference.figures.top1 == pytest.approx(0.8)
    assert report.records[0].top1 == pytest.approx(0.8)
    assert report.source == str(labelled_file)
    results = {(gate.file, gate.figure): gate.passed for gate in report.gates}
    assert len(results) == 6
    assert results[files["float32"], "accuracy"]
    assert results[files["float32"], "agreement"]


def test_labels_are_not_needed_with_a_reference(files, model, plain_file):
    report = evaluate_files([files["float32"]], plain_file, reference=model, samples=10)
    (record,) = report.records
    assert (record.samples, record.top1, record.agreement) == (10, None, 1.0)
    assert report.reference.figures.top1 is None


def test_a_folder_of_classes(files, image_folder):
    with pytest.raises(ToolError, match=r"c.1\.png"):
        evaluate_files([files["float32"]], image_folder)
    report = evaluate_files([files["float32"]], image_folder, skip_unreadable=True)
    assert report.records[0].samples == 9
    assert report.class_names == tuple("abcde")
    assert report.source == f"{image_folder} (1 unreadable left out)"


def test_a_file_with_labels_is_asked_by_name(files, image_folder, tmp_path):
    """The folder lacks the first class: by position all its labels would be wrong."""
    content = files["float32"].read_bytes()
    named = tmp_path / "named.tflite"
    named.write_bytes(write_metadata(content, ModelMetadata(name="m", labels=tuple("edcba"))))
    part = tmp_path / "part"
    shutil.copytree(image_folder, part, ignore=shutil.ignore_patterns("c"))
    report = evaluate_files([files["int8"], named], part, preprocessing="unit")
    choices = LiteModel(named).predict(load_images_of(part)).argmax(-1)
    truth = np.repeat([4, 3, 1, 0], 2)  # a, b, d, e
    assert report.records[1].top1 == np.mean(choices == truth)
    assert report.class_names == tuple("edcba")


def load_images_of(folder):
    files = sorted(folder.rglob("*.png"))
    pixels = [Image.open(file).resize((16, 16), Image.Resampling.BILINEAR) for file in files]
    return np.stack(pixels) / 255


def test_python_objects(files, samples, labels, labelled_file):
    from_file = evaluate_files([files["int8"]], labelled_file)
    from_arrays = evaluate_files([files["int8"]], (samples, labels))
    assert from_arrays.records == from_file.records


def test_progress_counts_reference_and_files(files, model, plain_file):
    calls = []
    evaluate_files(
        [files["int8"]], plain_file, reference=model, progress=lambda *call: calls.append(call)
    )
    assert [(path.name, done) for path, done, _ in calls[:2]] == [("small", 0), ("small", 50)]
    assert calls[-1] == (files["int8"], 50, 50)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "plain"}, r"plain\.npy: has no labels, and there is no reference"),
        ({"dataset": "plain", "min_accuracy": 0.9}, r"min_accuracy: needs labels, and .*plain"),
        ({"min_agreement": 0.9}, "min_agreement: needs a reference"),
        ({"samples": 0}, "dataset: expected 1 or more samples, got a limit of 0"),
        ({"preprocessing": "caffe"}, "preprocessing: expected one of"),
        ({"reference": "missing.keras"}, r"missing\.keras: no such file"),
        ({"dataset": "no/such"}, "no such file or folder"),
        ({"workers": 0}, "workers: expected 1 or more, got 0"),
        ({"preprocessing": "caffe", "files": ["missing"]}, "preprocessing: expected one of"),
        ({"files": []}, r"\.tflite files: expected one or more, got none"),
    ],
)
def test_what_cannot_work(files, plain_file, labelled_file, options, message):
    sources = {"plain": plain_file}
    options = {"files": [files["int8"]], "dataset": labelled_file, **options}
    options["dataset"] = sources.get(options["dataset"], options["dataset"])
    with pytest.raises(ToolError, match=message):
        evaluate_files(**options)


def test_other_classes_than_the_models(files, samples, image_folder, tmp_path):
    with pytest.raises(ToolError, match="expected labels from 0 to 4, as the model has 5 classes"):
        evaluate_files([files["int8"]], (samples, np.arange(50) % 6))
    folder = tmp_path / "two"
    for name in "ab":
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(folder / name / "0.png")
    with pytest.raises(ToolError, match=r"expected the 5 classes of the model, got .* 2 classes"):
        evaluate_files([files["int8"]], folder)


def test_a_weight_that_changed_since_the_file_was_written(files, labelled_file, tmp_path):
    """The file still loads and runs: only the record beside it can tell."""
    copy = tmp_path / "small.tflite"
    content = bytearray(files["float32"].read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    assert evaluate_files([copy], labelled_file).records[0].samples == 50
    shutil.copy(files["float32"].with_name(f"{files['float32'].name}.json"), f"{copy}.json")
    with pytest.raises(ToolError, match=r"small\.tflite: expected the content that"):
        evaluate_files([copy], labelled_file)
    assert inspect_model(copy).unchanged is False
    assert inspect_model(files["float32"]).unchanged is True
