import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tflite_tools.json_records import record_from


@dataclass(frozen=True)
class Inner:
    name: str
    value: float | None = None


@dataclass(frozen=True)
class Outer:
    file: Path
    count: int
    passed: bool
    kind: Literal["a", "b"]
    span: tuple[float, float]
    inner: tuple[Inner, ...]
    one: Inner | None
    by_core: dict[int, str]
    anything: Any = None


RECORD = Outer(
    Path("x/é.tflite"), 3, True, "b", (1.0, 2.5), (Inner("i", 2.0), Inner("j")), None, {4: "f"}, [1]
)
CONTENT = json.loads(json.dumps(asdict(RECORD), default=str))


def test_what_was_written_comes_back():
    assert record_from(Outer, CONTENT) == RECORD
    assert record_from(Outer, {**CONTENT, "one": {"name": "k"}}).one == Inner("k")


def test_unknown_fields_are_left_alone_and_defaults_taken():
    del (content := {**CONTENT, "new": 1})["anything"]
    assert record_from(Outer, content).anything is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": "3"}, "count: expected int, got '3'"),
        ({"count": True}, "count: expected int, got 'True'"),
        ({"count": 3.5}, "count: expected int"),
        ({"passed": 1}, "passed: expected bool"),
        ({"kind": "c"}, "kind: expected one of"),
        ({"kind": []}, "kind: expected one of"),
        ({"span": [1]}, "span: expected 2 values"),
        ({"span": [1, False]}, r"span\[1\]: expected a number"),
        ({"inner": [{"name": "i"}, {"value": 2}]}, r"inner\[1\]\.name is missing"),
        ({"inner": {}}, "inner: expected a list"),
        ({"one": 5}, "one: expected an object"),
        ({"by_core": {"x": "f"}}, "by_core: expected whole numbers as keys"),
        ({"by_core": []}, "by_core: expected an object"),
        ({"file": None}, "file: expected str"),
        ({"span": [1, float("inf")]}, r"span\[1\]: expected a finite number"),
        ({"span": [float("nan"), 1]}, r"span\[0\]: expected a finite number"),
    ],
)
def test_other_types_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        record_from(Outer, {**CONTENT, **change})


def test_a_missing_field_is_named():
    del (content := dict(CONTENT))["count"]
    with pytest.raises(ValueError, match="count is missing"):
        record_from(Outer, content)


@pytest.mark.parametrize("content", [None, 3, "text", [CONTENT]])
def test_what_is_no_object(content):
    with pytest.raises(ValueError, match="the file: expected an object"):
        record_from(Outer, content)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*CONTENT]), ANY_JSON))
def test_whatever_stands_there_it_is_a_record_or_a_value_error(change):
    try:
        record = record_from(Outer, {**CONTENT, **change})
    except ValueError:
        return
    assert isinstance(record.count, int)
    assert isinstance(record.file, Path)
