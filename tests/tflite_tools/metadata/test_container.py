import io
import zipfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.errors import ToolError
from tflite_tools.interpreter import LiteModel
from tflite_tools.metadata.container import add_buffers, append_files, appended_file, read_buffer

PRECISIONS = ("float32", "float16", "int8")


@pytest.fixture(scope="module", params=PRECISIONS)
def content(request, files):
    return files[request.param].read_bytes()


def weights(content):
    """Every buffer of a file with its place in it, by its number."""
    model = schema.Model.GetRootAs(content)
    found = {}
    for index in range(model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        if not isinstance(data, int):
            place = data.__array_interface__["data"][0]
            start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
            found[index] = (place - start, data.tobytes())
    return found


def test_buffers_are_read_back(content):
    named = {"ONE": b"first", "TWO": bytes(range(256)) * 100, "EMPTY": b""}
    written = add_buffers(content, named)
    assert {name: read_buffer(written, name) for name in named} == named
    assert read_buffer(written, "THREE") is None


def test_a_buffer_of_the_same_name_is_replaced(content):
    once = add_buffers(content, {"ONE": b"old", "TWO": b"kept"})
    twice = add_buffers(once, {"ONE": b"new"})
    assert read_buffer(twice, "ONE") == b"new"
    assert read_buffer(twice, "TWO") == b"kept"
    names = [entry.name for entry in schema.ModelT.InitFromPackedBuf(twice).metadata]
    assert len(names) == len(set(names))


def test_the_converters_own_metadata_stay(content):
    runtime = read_buffer(content, "min_runtime_version")
    assert runtime
    assert read_buffer(add_buffers(content, {"ONE": b"1"}), "min_runtime_version") == runtime


@pytest.mark.parametrize("size", [1, 15, 16, 17, 1000])
def test_weights_stay_as_they_are_and_as_aligned(content, size):
    before, after = weights(content), weights(add_buffers(content, {"ONE": bytes(size)}))
    assert len(before) >= 4
    for index, (place, data) in before.items():
        assert after[index][1] == data
        assert after[index][0] % 16 == place % 16


def test_the_graph_is_the_same(content):
    def parts(model):
        return [
            [(tensor.name, tensor.shape.tolist(), tensor.buffer) for tensor in graph.tensors]
            for graph in model.subgraphs
        ], [(definition.signatureKey) for definition in model.signatureDefs]

    before, after = (
        schema.ModelT.InitFromPackedBuf(each)
        for each in (content, add_buffers(content, {"A": b"1"}))
    )
    assert parts(after) == parts(before)
    assert (after.version, after.description) == (before.version, before.description)


def test_the_interpreter_computes_the_same(content, samples, tmp_path):
    path, plain = tmp_path / "with.tflite", tmp_path / "without.tflite"
    plain.write_bytes(content)
    path.write_bytes(append_files(add_buffers(content, {"ONE": b"1"}), {"labels.txt": b"a\nb"}))
    assert path.read_bytes()[4:8] == b"TFL3"
    np.testing.assert_array_equal(
        LiteModel(path).predict(samples), LiteModel(plain).predict(samples)
    )


def test_files_behind_the_end(content):
    whole = append_files(content, {"labels.txt": "é\nb".encode(), "more.txt": b""})
    assert whole.startswith(content)
    assert appended_file(whole, "labels.txt") == "é\nb".encode()
    assert appended_file(whole, "more.txt") == b""
    assert appended_file(whole, "other.txt") is None
    assert appended_file(content, "labels.txt") is None


def test_files_are_stored_unpacked_and_without_a_time(content):
    whole = append_files(content, {"labels.txt": b"a" * 1000})
    assert append_files(content, {"labels.txt": b"a" * 1000}) == whole
    (entry,) = zipfile.ZipFile(io.BytesIO(whole)).infolist()
    assert entry.compress_type == zipfile.ZIP_STORED
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_a_damaged_archive_has_no_files(content):
    whole = bytearray(append_files(content, {"labels.txt": b"abcdef"}))
    whole[whole.rindex(b"abcdef")] ^= 1  # its checksum does not fit any more
    assert appended_file(bytes(whole), "labels.txt") is None


@pytest.mark.parametrize("damaged", [b"", b"no model", b"\x00\x00\x00\x00TFL2" + bytes(40)])
def test_what_is_no_model(damaged):
    with pytest.raises(ToolError, match="not a TFLite model"):
        read_buffer(damaged, "ONE")
    with pytest.raises(ToolError, match="not a TFLite model"):
        add_buffers(damaged, {"ONE": b"1"})


@pytest.mark.parametrize("length", [8, 20, 100])
def test_a_cut_model(content, length):
    with pytest.raises(ToolError, match="is damaged"):
        read_buffer(content[:length], "ONE")
