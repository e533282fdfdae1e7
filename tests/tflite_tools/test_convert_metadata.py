"""What the files of `convert` say of themselves and of where they come from."""

import hashlib
import inspect
import json

import numpy as np
import pytest

from tflite_tools import convert, inspect_model
from tflite_tools.errors import ToolError
from tflite_tools.provenance import array_hash, read_provenance, sidecar_path

LABELS = ("ant", "bee", "cat", "dog", "elk")


@pytest.fixture(scope="module")
def described(keras_file, samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("described")
    labels = folder / "labels.txt"
    labels.write_text("\ufeff" + "\r\n".join(LABELS) + "\r\n", encoding="utf-8")
    report = convert(
        keras_file,
        folder / "out",
        precisions=["float32", "int8"],
        calibration=samples,
        preprocessing="torch",
        labels=labels,
        metadata={"author": "somebody", "version": "3", "name": "the name"},
    )
    return {record.precision: record for record in report.records}


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_metadata(described, precision):
    metadata = inspect_model(described[precision].file).metadata
    assert (metadata.name, metadata.author, metadata.version) == ("the name", "somebody", "3")
    assert metadata.license is None
    assert metadata.labels == LABELS
    assert metadata.color_space == "RGB"
    assert metadata.mean == pytest.approx([255 * mean for mean in (0.485, 0.456, 0.406)])
    assert metadata.std == pytest.approx([255 * std for std in (0.229, 0.224, 0.225)])


def test_nothing_is_said_of_pixels_that_nobody_has_spoken_of(report):
    """Arrays do not show what was done to them: wrong metadata would be worse than none."""
    for record in report.records:
        metadata = inspect_model(record.file).metadata
        assert (metadata.color_space, metadata.mean, metadata.labels) == ("RGB", None, None)


def test_provenance(described, keras_file, samples):
    record = inspect_model(described["int8"].file).provenance
    assert record["source"] == {
        "kind": "file",
        "name": keras_file.name,
        "sha256": hashlib.sha256(keras_file.read_bytes()).hexdigest(),
    }
    assert record["calibration"] == {
        "source": "the given array",
        "samples": 50,
        "sha256": array_hash(samples),
    }
    evaluation = described["int8"].evaluation
    assert record["verification"]["agreement"] == evaluation.agreement
    assert record["verification"]["max_abs_error"] == evaluation.max_abs_error
    assert record["verification"]["samples"] == 50
    assert record["versions"]["keras"]


def test_only_int8_has_a_calibration(described):
    assert inspect_model(described["float32"].file).provenance["calibration"] is None


def test_the_recipe_holds_every_option(described):
    recipe = inspect_model(described["int8"].file).provenance["recipe"]
    options = set(inspect.signature(convert).parameters)
    places = {"model", "output_dir", "data_dir", "progress"}  # not how the file was made
    assert set(recipe) == options - places - {"precisions"} | {"precision"}
    assert recipe["precision"] == "int8"
    assert recipe["int8_io"] == "int8"
    assert recipe["preprocessing"] == "torch"
    assert recipe["labels"] == 5
    assert recipe["calibration"] == "given ndarray"


def test_the_record_beside_the_file(described):
    for record in described.values():
        beside = json.loads(sidecar_path(record.file).read_text(encoding="utf-8"))
        content = record.file.read_bytes()
        assert beside.pop("file") == {
            "name": record.file.name,
            "size_bytes": record.size_bytes,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        assert beside == read_provenance(content)


def test_a_model_in_memory_is_known_by_its_layers_and_weights(model, report, tmp_path):
    def source(of):
        return inspect_model(convert(of, tmp_path).records[0].file).provenance["source"]

    first = inspect_model(report.records[0].file).provenance["source"]
    assert (first["kind"], first["name"]) == ("model", "small")
    assert source(model) == first
    weights = model.get_weights()
    model.set_weights([weights[0] + 1e-3, *weights[1:]])
    try:
        assert source(model)["sha256"] != first["sha256"]
    finally:
        model.set_weights(weights)


def test_the_same_recipe_makes_the_same_bytes(keras_file, samples, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("a", "b"):
        convert(
            keras_file,
            tmp_path / name,
            precisions=["float32", "float16", "int8"],
            calibration=samples,
            labels=LABELS,
        )
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name
    assert len(list((tmp_path / "a").iterdir())) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["a", "b"]}, "labels: expected 5 names, one for each output .* got 2"),
        ({"labels": ["a", "b", "", "d", "e"]}, "labels: expected a name .* got '' for class 2"),
        ({"labels": 5}, "labels: expected a list of names or a file"),
        ({"labels": "missing.txt"}, "labels: expected a text file.*missing.txt: No such file"),
        ({"metadata": {"licence": "MIT"}}, "metadata: expected texts for any of the keys name"),
        ({"metadata": {"author": ""}}, "metadata: expected texts"),
        ({"metadata": "author=me"}, "metadata: expected texts"),
    ],
)
def test_what_cannot_be_said(model, tmp_path, options, message):
    with pytest.raises(ToolError, match=message):
        convert(model, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_labels_that_are_no_text(model, tmp_path):
    np.save(tmp_path / "labels.npy", np.arange(5) + 0.5)
    with pytest.raises(ToolError, match=r"labels: expected .*labels\.npy to be UTF-8 text"):
        convert(model, tmp_path / "out", labels=tmp_path / "labels.npy")


def test_a_time_that_is_none_is_found_before_the_work(model, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ToolError, match="SOURCE_DATE_EPOCH: expected seconds"):
        convert(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()
