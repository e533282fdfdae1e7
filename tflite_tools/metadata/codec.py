"""Nested dictionaries as flatbuffers of the metadata schema, and back."""

import math
import struct
from typing import Any

import flatbuffers
from flatbuffers import number_types
from flatbuffers.table import Table

from tflite_tools.errors import ToolError
from tflite_tools.metadata.schema import ENUMS, IDENTIFIER, ROOT, TABLES, UNIONS

_SCALARS = {
    "int": number_types.Int32Flags,
    "uint": number_types.Uint32Flags,
    "ubyte": number_types.Uint8Flags,
    "float": number_types.Float32Flags,
}
_MEMBER = number_types.Uint8Flags
_ENUM = number_types.Int8Flags
_OFFSET = number_types.UOffsetTFlags
_FIRST_FIELD = 4  # in a vtable, behind its own size and the table's
_WIDTH = 2


def encode(metadata: dict[str, Any]) -> bytes:
    """Writes a `ModelMetadata` table.

    Args:
        metadata: By the name of the field. A table is a dictionary, a vector a list, an enum the
            name of its value, a union a pair of a member's name and a dictionary.
    """
    builder = flatbuffers.Builder()
    builder.Finish(_write_table(builder, ROOT, metadata), IDENTIFIER)
    return bytes(builder.Output())


def decode(content: bytes) -> dict[str, Any]:
    """Reads what `encode` writes, or another writer of the same schema.

    Fields that are absent are absent from the dictionary.
    """
    if content[4:8] != IDENTIFIER:
        raise ToolError("the model's metadata are of another schema than M001.")
    try:
        root: int = struct.unpack_from("<I", content)[0]
        return _read_table(Table(content, root), ROOT)
    # Of offsets that lead nowhere, of text that is none, of members that do not exist.
    except (struct.error, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ToolError(f"the model's metadata are damaged: {error}") from error


def _slots(table: str) -> list[tuple[int, str, str]]:
    """The number, name and type of each field; a union's number is that of its member's name."""
    numbered, number = [], 0
    for name, kind in TABLES[table].items():
        numbered.append((number, name, kind))
        number += 2 if kind in UNIONS else 1
    return numbered


def _write_table(builder: Any, table: str, values: dict[str, Any]) -> int:
    if unknown := set(values).difference(TABLES[table]):
        raise ToolError(f"{table} has no field {', '.join(sorted(unknown))}.")
    fields = [(slot, kind, values[name]) for slot, name, kind in _slots(table) if name in values]
    # Whatever a table points to has to be written before the table is begun.
    ready = [(slot, kind, _ready(builder, kind, value)) for slot, kind, value in fields]
    builder.StartObject(sum(2 if kind in UNIONS else 1 for kind in TABLES[table].values()))
    for slot, kind, value in ready:
        if kind in _SCALARS:
            builder.PrependSlot(_SCALARS[kind], slot, value, 0)
        elif kind in ENUMS:
            builder.PrependSlot(_ENUM, slot, value, 0)
        elif kind in UNIONS:
            member, offset = value
            builder.PrependSlot(_MEMBER, slot, member, 0)
            builder.PrependUOffsetTRelativeSlot(slot + 1, offset, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
    return builder.EndObject()


def _ready(builder: Any, kind: str, value: Any) -> Any:
    """What goes into the table itself: a number, or the place of something written apart."""
    if kind in _SCALARS:
        return value
    if kind in ENUMS:
        return ENUMS[kind].index(value)
    if kind in UNIONS:
        member, table = value
        return UNIONS[kind].index(member) + 1, _write_table(builder, member, table)
    if kind == "string":
        return builder.CreateString(value)
    if kind.startswith("["):
        return _write_vector(builder, kind[1:-1], value)
    return _write_table(builder, kind, value)


def _write_vector(builder: Any, kind: str, values: list[Any]) -> int:
    items = [_ready(builder, kind, value) for value in values]
    flags = _SCALARS.get(kind, _OFFSET)
    builder.StartVector(flags.bytewidth, len(items), flags.bytewidth)
    for item in reversed(items):
        if kind in _SCALARS:
            builder.Prepend(flags, item)
        else:
            builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def _read_table(table: Table, name: str) -> dict[str, Any]:
    values = {}
    for slot, field, kind in _slots(name):
        if place := table.Offset(_FIRST_FIELD + _WIDTH * slot):
            values[field] = _read_field(table, place, slot, kind)
    return values


def _read_field(table: Table, place: int, slot: int, kind: str) -> Any:
    if kind in UNIONS:
        number = table.Get(_MEMBER, table.Pos + place)
        target = table.Offset(_FIRST_FIELD + _WIDTH * (slot + 1))
        if not (0 < number <= len(UNIONS[kind]) and target):
            return f"{kind} {number}", {}  # of a later schema
        member = UNIONS[kind][number - 1]
        return member, _read_value(table, table.Pos + target, member)
    if kind.startswith("["):
        return _read_vector(table, place, kind[1:-1])
    return _read_value(table, table.Pos + place, kind)


def _read_vector(table: Table, place: int, kind: str) -> list[Any]:
    start, count = table.Vector(place), table.VectorLen(place)
    width = _SCALARS.get(kind, _OFFSET).bytewidth
    if start + count * width > len(table.Bytes):
        raise ValueError(f"a vector of {count} items does not fit into it")
    return [_read_value(table, start + width * index, kind) for index in range(count)]


def _read_value(table: Table, position: int, kind: str) -> Any:
    if kind in _SCALARS:
        number = table.Get(_SCALARS[kind], position)
        if not math.isfinite(number):
            raise ValueError(f"a number is {number}")
        return number
    if kind in ENUMS:
        value = table.Get(_ENUM, position)
        # A later schema may have more values.
        return ENUMS[kind][value] if 0 <= value < len(ENUMS[kind]) else f"{kind} {value}"
    if kind == "string":
        return table.String(position).decode()
    return _read_table(Table(table.Bytes, table.Indirect(position)), kind)
