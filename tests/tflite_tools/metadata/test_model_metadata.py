import re

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.metadata import ModelMetadata, read_buffer, read_metadata, write_metadata
from tflite_tools.metadata.codec import decode, encode
from tflite_tools.metadata.container import add_buffers, append_files

FULL = ModelMetadata(
    name="a näme",
    description="what it is",
    version="1.2",
    author="somebody",
    license="Apache-2.0",
    color_space="RGB",
    mean=(123.5, 116.25, 103.5),
    std=(58.5, 57.0, 57.5),
    labels=("cat", "dog, and more", "猫", " x", "cat"),
)
ROWS = {
    "full": FULL,
    "nothing": ModelMetadata(),
    "grey": ModelMetadata(color_space="GRAYSCALE", mean=(127.5,), std=(127.5,)),
    "no normalization": ModelMetadata(name="n", color_space="RGB"),
    "labels only": ModelMetadata(labels=("a", "b")),
}


@pytest.fixture(scope="module")
def content(files):
    return files["float32"].read_bytes()


@pytest.mark.parametrize("metadata", ROWS.values(), ids=ROWS)
def test_what_was_written_is_read(content, metadata):
    assert read_metadata(write_metadata(content, metadata)) == metadata


def test_further_buffers(content):
    written = write_metadata(content, FULL, PROVENANCE=b"{}")
    assert read_buffer(written, "PROVENANCE") == b"{}"
    assert read_metadata(written) == FULL


def test_a_file_without_metadata(flex_file):
    assert read_metadata(flex_file.read_bytes()) is None


def test_equal_channels_are_one_value(content):
    """MediaPipe takes no other normalization than one for all channels."""
    same = ModelMetadata(color_space="RGB", mean=(127.5,) * 3, std=(127.5,) * 3)
    read = read_metadata(write_metadata(content, same))
    assert (read.mean, read.std) == ((127.5,), (127.5,))


def test_the_range_of_the_input_follows_from_the_normalization(content):
    encoded = read_buffer(write_metadata(content, FULL), "TFLITE_METADATA")
    (graph,) = decode(encoded)["subgraph_metadata"]
    stats = graph["input_tensor_metadata"][0]["stats"]
    assert stats["min"] == pytest.approx([-123.5 / 58.5, -116.25 / 57, -103.5 / 57.5], rel=1e-6)
    assert stats["max"] == pytest.approx([131.5 / 58.5, 138.75 / 57, 151.5 / 57.5], rel=1e-6)


@pytest.mark.parametrize("label", ["", " ", "two\nlines", "two\u2028lines", 3])
def test_labels_that_a_list_of_lines_cannot_hold(content, label):
    with pytest.raises(ToolError, match=rf"got {re.escape(repr(label))} for class 1"):
        write_metadata(content, ModelMetadata(labels=("good", label)))


def test_labels_whose_file_is_missing(content):
    written = write_metadata(content, FULL)
    assert read_metadata(written[: written.rindex(b"PK\x03\x04")]).labels is None


@pytest.mark.parametrize("damaged", [b"", b"\x10\x00\x00\x00M001", b"\x08\x00\x00\x00XXXX"])
def test_damaged_metadata(content, damaged):
    with pytest.raises(ToolError, match=r"another schema|are damaged"):
        read_metadata(add_buffers(content, {"TFLITE_METADATA": damaged}))


def test_metadata_of_another_writer_without_a_graph(content):
    foreign = add_buffers(content, {"TFLITE_METADATA": encode({"name": "theirs"})})
    foreign = append_files(foreign, {"unrelated.txt": b""})
    assert read_metadata(foreign) == ModelMetadata(name="theirs")
