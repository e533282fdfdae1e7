import hashlib
import json

import pytest

from tflite_tools.errors import ToolError
from tflite_tools.integrity import check_unchanged, is_unchanged

CONTENT = b"0000TFL3 weights"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a b.tflite"
    path.write_bytes(CONTENT)
    return path


def write_record(file, text):
    (file.parent / "a b.tflite.json").write_text(text)


def test_one_changed_bit(file):
    record = {"file": {"sha256": hashlib.sha256(CONTENT).hexdigest()}}
    write_record(file, json.dumps(record))
    assert is_unchanged(file, CONTENT) is True
    check_unchanged(file, CONTENT)
    damaged = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    assert is_unchanged(file, damaged) is False
    with pytest.raises(ToolError, match=r"a b\.tflite: expected the content that .* or copy"):
        check_unchanged(file, damaged)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file": 1}', "no JSON"])
def test_other_json_is_no_record(file, text):
    write_record(file, text)
    assert is_unchanged(file, CONTENT) is None
    check_unchanged(file, CONTENT)


def test_without_a_record(file):
    assert is_unchanged(file, CONTENT) is None
