import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflite_tools.errors import ToolError
from tflite_tools.metadata.codec import decode, encode
from tflite_tools.metadata.schema import ENUMS, ROOT, TABLES, UNIONS

SCALARS = {
    "int": st.integers(-(2**31), 2**31 - 1),
    "uint": st.integers(0, 2**32 - 1),
    "ubyte": st.integers(0, 255),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
}
SMALL = {
    "name": "a model",
    "subgraph_metadata": [
        {
            "input_tensor_metadata": [
                {
                    "content": {"content_properties": ("ImageProperties", {"color_space": "RGB"})},
                    "process_units": [
                        {"options": ("NormalizationOptions", {"mean": [0.5], "std": [2.0, 3.0]})}
                    ],
                }
            ]
        }
    ],
}


def values_of(kind):
    if kind in SCALARS:
        return SCALARS[kind]
    if kind == "string":
        return st.text(max_size=8)
    if kind in ENUMS:
        return st.sampled_from(ENUMS[kind])
    if kind in UNIONS:
        return st.one_of([st.tuples(st.just(name), tables(name)) for name in UNIONS[kind]])
    if kind.startswith("["):
        return st.lists(values_of(kind[1:-1]), max_size=2)
    return tables(kind)


def tables(name):
    """Any fields of a table; a flatbuffer leaves out numbers and enums that are the default."""
    fields = {}
    for field, kind in TABLES[name].items():
        default = ENUMS[kind][0] if kind in ENUMS else 0
        fields[field] = values_of(kind).filter(lambda value, default=default: value != default)
    return st.fixed_dictionaries({}, optional=fields)


@given(metadata=tables(ROOT))
def test_what_was_written_is_read(metadata):
    assert decode(encode(metadata)) == metadata


def test_defaults_are_left_out():
    stored = {"associated_files": [{"name": "labels.txt", "type": "UNKNOWN"}]}
    assert decode(encode(stored)) == {"associated_files": [{"name": "labels.txt"}]}


def test_an_unknown_field_is_refused():
    with pytest.raises(ToolError, match="ModelMetadata has no field licence"):
        encode({"licence": "MIT"})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_damage(number):
    unit = {"options": ("NormalizationOptions", {"mean": [number]})}
    graph = {"input_process_units": [unit]}
    with pytest.raises(ToolError, match="are damaged"):
        decode(encode({"subgraph_metadata": [graph]}))


def test_another_schema_is_refused():
    with pytest.raises(ToolError, match="another schema than M001"):
        decode(encode(SMALL).replace(b"M001", b"M002"))


@given(position=st.integers(8, len(encode(SMALL)) - 1), value=st.integers(0, 255))
def test_a_damaged_byte_is_an_error_or_another_value(position, value):
    damaged = bytearray(encode(SMALL))
    damaged[position] = value
    try:
        decode(bytes(damaged))
    except ToolError as error:
        assert "the model's metadata are damaged" in str(error)  # noqa: PT017


@pytest.mark.parametrize("length", range(0, len(encode(SMALL)) - 16, 7))
def test_a_cut_buffer_is_an_error(length):
    with pytest.raises(ToolError, match=r"another schema|are damaged"):
        decode(encode(SMALL)[:length])
