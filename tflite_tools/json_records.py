"""Dataclasses read back from the JSON that they were written as."""

import dataclasses
import os
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

Record = TypeVar("Record")
_LARGEST = 2**63


def record_from(kind: type[Record], content: Any) -> Record:
    """Makes a dataclass of parsed JSON, with the types that its fields ask for.

    What the JSON holds besides is left alone; what it lacks takes the field's default.

    Args:
        kind: The dataclass: of text, numbers, paths, tuples, dicts and other such dataclasses.
        content: The parsed JSON.

    Raises:
        ValueError: A field is missing or of another type; the message names it.
    """
    return typing.cast(Record, _dataclass(kind, content, ""))


def _dataclass(kind: Any, content: Any, place: str) -> Any:
    if not isinstance(content, dict):
        raise _unexpected(place or "the file", "an object", content)
    hints = typing.get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        inside = f"{place}.{field.name}".removeprefix(".")
        if field.name in content:
            values[field.name] = _value(hints[field.name], content[field.name], inside)
        elif _required(field):
            raise ValueError(f"{inside} is missing")
    return kind(**values)


def _required(field: Any) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _value(kind: Any, content: Any, place: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return content
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, content, place)
    if origin in (types.UnionType, typing.Union):
        return _one_of(arguments, content, place)
    if origin is typing.Literal:
        return _checked(content in arguments, content, place, f"one of {arguments}")
    if origin is tuple:
        return _tuple(arguments, content, place)
    if origin is dict:
        return _dict(arguments, content, place)
    return _plain(kind, content, place)


def _plain(kind: Any, content: Any, place: str) -> Any:
    if kind is Path:
        text = _plain(str, content, place)
        return Path(_checked(_may_be_a_path(text), content, place, "a path"))
    if kind is float:
        number = isinstance(content, int | float) and not isinstance(content, bool)
        value = _checked(number, content, place, "a number")
        fits = abs(value) <= sys.float_info.max  # not of NaN, and no overflow of whole numbers
        return float(_checked(fits, content, place, "a finite number"))
    fits = isinstance(content, kind) and (kind is bool or not isinstance(content, bool))
    content = _checked(fits, content, place, kind.__name__)
    if kind is int:
        return _checked(abs(content) <= _LARGEST, content, place, "a smaller number")
    return content


def _may_be_a_path(text: str) -> bool:
    """What no file system can hold raises ValueError wherever it is asked for."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _one_of(kinds: tuple[Any, ...], content: Any, place: str) -> Any:
    if content is None and type(None) in kinds:
        return None
    problem = None
    for kind in kinds:
        try:
            return _value(kind, content, place)
        except ValueError as error:
            problem = problem or error
    raise problem or _unexpected(place, "a value", content)


def _tuple(kinds: tuple[Any, ...], content: Any, place: str) -> tuple[Any, ...]:
    _checked(isinstance(content, list), content, place, "a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(content)
    _checked(len(kinds) == len(content), content, place, f"{len(kinds)} values")
    return tuple(
        _value(kind, item, f"{place}[{index}]")
        for index, (kind, item) in enumerate(zip(kinds, content, strict=True))
    )


def _dict(kinds: tuple[Any, ...], content: Any, place: str) -> dict[Any, Any]:
    _checked(isinstance(content, dict), content, place, "an object")
    key_kind, value_kind = kinds
    return {
        _key(key_kind, key, place): _value(value_kind, value, f"{place}.{key}")
        for key, value in typing.cast(Mapping[str, Any], content).items()
    }


def _key(kind: Any, key: str, place: str) -> Any:
    """JSON's keys are text."""
    if kind is not int:
        return key
    return int(_checked(key.isascii() and key.isdigit(), key, place, "whole numbers as keys"))


def _checked(fits: bool, content: Any, place: str, expected: str) -> Any:
    if not fits:
        raise _unexpected(place, expected, content)
    return content


def _unexpected(place: str, expected: str, content: Any) -> ValueError:
    return ValueError(f"{place}: expected {expected}, got {str(content)[:40]!r}")
