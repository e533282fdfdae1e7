import hashlib
import json
import re
import time
from dataclasses import replace
from importlib.metadata import version

import keras
import numpy as np
import pytest

from tflite_tools import provenance as module
from tflite_tools.errors import ToolError
from tflite_tools.graph_spec import describe
from tflite_tools.metadata.container import add_buffers
from tflite_tools.provenance import (
    BUFFER_NAME,
    array_hash,
    creation_time,
    encoded,
    file_hash,
    graph_hash,
    provenance,
    read_provenance,
    sidecar,
    sidecar_path,
    versions,
)

PARTS = {
    "created": "2023-11-14T22:13:20Z",
    "source": {"name": "m.keras", "sha256": "00"},
    "recipe": {"precision": "int8", "labels": ["ä"]},
    "calibration": {"sha256": "11", "samples": 3},
    "verification": {"agreement": 1.0},
}


@pytest.fixture
def content(files):
    return files["int8"].read_bytes()


def test_the_record_in_a_file_is_read_back(content):
    record = provenance(**PARTS)
    assert read_provenance(add_buffers(content, {BUFFER_NAME: encoded(record)})) == record
    assert {key: record[key] for key in PARTS} == PARTS


def test_the_record_beside_the_file_has_its_hash(content, tmp_path):
    record = provenance(**PARTS)
    text = sidecar(record, tmp_path / "m_int8.tflite", content)
    loaded = json.loads(text)
    assert loaded.pop("file") == {
        "name": "m_int8.tflite",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert loaded == record
    assert sidecar_path(tmp_path / "m.tflite") == tmp_path / "m.tflite.json"


def test_versions_are_those_installed():
    found = versions()
    assert found["keras"] == version("keras")
    assert found["ai_edge_litert"] == version("ai-edge-litert")
    assert re.fullmatch(r"3\.\d+\.\d+.*", found["python"])


def test_a_package_under_another_name_and_one_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(module, "_MODULES", ("PIL", "nowhere_to_be_found"))
    assert versions()["PIL"] == version("pillow")
    assert versions()["nowhere_to_be_found"] is None


def test_the_time_is_now(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    created = time.strptime(creation_time(), "%Y-%m-%dT%H:%M:%SZ")
    assert abs(time.mktime(created) - time.mktime(time.gmtime())) < 60


def test_the_time_can_be_fixed(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert creation_time() == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("given", ["", "yesterday", "1e9", "9" * 30])
def test_a_time_that_is_none(monkeypatch, given):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    with pytest.raises(ToolError, match="SOURCE_DATE_EPOCH: expected seconds since 1970, got"):
        creation_time()


def test_file_hash(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # The example of FIPS 180-2.
    assert file_hash(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")


def test_arrays_of_other_values_shapes_or_types_have_other_hashes():
    array = np.arange(6, dtype="float32")
    others = [array + 1, array.reshape(2, 3), array.astype("int32"), array[::-1]]
    hashes = {array_hash(each) for each in [array, *others]}
    assert len(hashes) == 5
    assert array_hash(np.asfortranarray(array.reshape(2, 3))) == array_hash(array.reshape(2, 3))


def test_graphs_of_other_weights_or_layers_have_other_hashes():
    image = keras.Input((4, 4, 3), name="image")
    spec = describe(keras.Model(image, keras.layers.Conv2D(2, 1, name="conv")(image), name="m"))
    (node,) = spec.nodes
    stride = replace(node, config={**node.config, "strides": [2, 2]})
    weights = replace(node, weights=(node.weights[0] + 1, node.weights[1]))
    hashes = {graph_hash(replace(spec, nodes=(each,))) for each in (node, stride, weights)}
    assert len(hashes) == 3
    assert graph_hash(spec) in hashes


def test_a_file_without_a_record(flex_file):
    assert read_provenance(flex_file.read_bytes()) is None


@pytest.mark.parametrize("damaged", [b"", b"{", b"\xff", b"[]", b"{}", b'{"format": 9}', b"NaN"])
def test_a_damaged_record(content, damaged):
    with pytest.raises(ToolError, match="the provenance record is damaged"):
        read_provenance(add_buffers(content, {BUFFER_NAME: damaged}))
