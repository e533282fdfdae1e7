"""What a .tflite file carries beside its graph: named buffers, and files behind its end."""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from flatbuffers.table import Table

from tflite_tools.errors import ToolError

_IDENTIFIER = b"TFL3"
# Kernels read the weights in place and want their addresses to be multiples of this.
_ALIGNMENT = 16
_OFFSET_BYTES = 4
# Fields of the root table by their number: the version is its only scalar.
_VERSION, _BUFFERS, _METADATA, _FIELDS = 0, 4, 6, 10
_ROOM = 1 << 16
_EARLIEST = (1980, 1, 1, 0, 0, 0)
# What reading at places that a damaged file names can raise.
_DAMAGE = (struct.error, IndexError, TypeError, ValueError, OverflowError)


def read_buffer(content: bytes, name: str) -> bytes | None:
    """The metadata buffer of that name; None if the file has none."""
    try:
        model = _root(content)
        for entry in (model.Metadata(i) for i in range(model.MetadataLength())):
            if entry.Name() == name.encode():
                data = model.Buffers(entry.Buffer())
                return bytes(data.DataAsNumpy()) if data.DataLength() else b""
    except _DAMAGE as error:
        raise ToolError(f"the TFLite model is damaged: {error}") from error
    return None


def add_buffers(content: bytes, named: Mapping[str, bytes]) -> bytes:
    """Adds metadata buffers to a model in place of those of the same name.

    The old file is kept, byte by byte and aligned as it was, behind a new root table that refers
    into it: nothing has to be known of what it holds.

    Args:
        content: A whole .tflite file, without files behind its end.
        named: The data by the buffers' names.
    """
    model = _root(content)
    root = Table(content, struct.unpack_from("<I", content)[0])
    _check_can_be_moved(model, root)
    builder = flatbuffers.Builder(len(content) + sum(map(len, named.values())) + _ROOM)
    builder.Prep(_ALIGNMENT, len(content))
    # A builder counts places from the end of its output, and puts a vector's length before it.
    end = builder.CreateByteVector(content) - _OFFSET_BYTES
    buffers = [end - place for place in _members(root, _BUFFERS)]
    entries = [
        end - place
        for index, place in enumerate(_members(root, _METADATA))
        if model.Metadata(index).Name().decode() not in named
    ]
    for name, data in named.items():
        entries.append(_entry(builder, name, len(buffers)))
        buffers.append(_buffer(builder, data))
    fields = {
        number: end - root.Indirect(root.Pos + field)
        for number in range(_VERSION + 1, _FIELDS)
        if (field := _field(root, number))
    }
    fields[_BUFFERS] = _references(builder, buffers)
    fields[_METADATA] = _references(builder, entries)
    builder.StartObject(_FIELDS)
    builder.PrependUint32Slot(_VERSION, model.Version(), 0)
    for number, place in fields.items():
        builder.PrependUOffsetTRelativeSlot(number, place, 0)
    builder.Finish(builder.EndObject(), _IDENTIFIER)
    return bytes(builder.Output())


def append_files(content: bytes, files: Mapping[str, bytes]) -> bytes:
    """Appends files to a model, as the zip archive in which Android's libraries look for them."""
    whole = io.BytesIO(content)
    # Stored: those libraries map the file and do not unpack. No times: the same files, the same
    # bytes.
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), data)
    return whole.getvalue()


def appended_file(content: bytes, name: str) -> bytes | None:
    """A file behind a model's end; None if there is none of that name, or it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(name)
    # No archive, no such file, or one that is damaged or encrypted: zipfile has many types.
    except Exception:
        return None


def _root(content: bytes) -> Any:
    if content[4:8] != _IDENTIFIER:
        raise ToolError("not a TFLite model: its file identifier is missing.")
    return schema.Model.GetRootAs(content)


def _check_can_be_moved(model: Any, root: Table) -> None:
    # Weights behind the flatbuffer are found by their place in the file.
    outside = any(model.Buffers(i).Offset() > 1 for i in range(model.BuffersLength()))
    if outside or _field(root, _FIELDS):
        raise ToolError(
            "the TFLite model is of a form that metadata cannot be added to: more than 2 GB, or "
            "of a newer schema."
        )


def _field(table: Table, number: int) -> int:
    """Where a table keeps a field, 0 if it is absent; the vtable begins with two sizes."""
    return int(table.Offset(2 * (2 + number)))


def _members(table: Table, number: int) -> list[int]:
    """The places of the tables that a vector refers to."""
    field = _field(table, number)
    if not field:
        return []
    start = table.Vector(field)
    return [table.Indirect(start + _OFFSET_BYTES * i) for i in range(table.VectorLen(field))]


def _references(builder: Any, places: list[int]) -> int:
    builder.StartVector(_OFFSET_BYTES, len(places), _OFFSET_BYTES)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return int(builder.EndVector())


def _entry(builder: Any, name: str, buffer: int) -> int:
    text = builder.CreateString(name)
    schema.MetadataStart(builder)
    schema.MetadataAddName(builder, text)
    schema.MetadataAddBuffer(builder, buffer)
    return int(schema.MetadataEnd(builder))


def _buffer(builder: Any, data: bytes) -> int:
    builder.Prep(_ALIGNMENT, len(data))
    vector = builder.CreateByteVector(data)
    schema.BufferStart(builder)
    schema.BufferAddData(builder, vector)
    return int(schema.BufferEnd(builder))
