"""Arguments that several layers take, checked."""

import math
from typing import Any, SupportsIndex

import keras


def positive_integer(name: str, value: Any) -> int:
    """Returns `value`; raises ValueError if it is not a positive integer."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex) or int(value) <= 0:
        raise ValueError(f"Expected `{name}` to be a positive integer. Received: {value!r}")
    return int(value)


def positive_number(name: str, value: Any) -> float:
    """Returns `value` as a float; raises ValueError if it is not finite and positive."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0.0):
        raise ValueError(f"Expected `{name}` to be a positive number. Received: {value!r}")
    return number


def pair(name: str, value: Any) -> tuple[int, int]:
    """Returns a positive integer twice, or two of them as they are; else raises ValueError."""
    values = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2:
        raise ValueError(f"Expected `{name}` to be an integer or two of them. Received: {value!r}")
    height, width = (positive_integer(name, item) for item in values)
    return height, width


def choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Returns `value` in lower case; raises ValueError if it is none of the choices."""
    chosen = str(value).lower()
    if chosen not in choices:
        raise ValueError(f"Expected `{name}` to be one of {choices}. Received: {value!r}")
    return chosen


def checked_data_format(value: str | None) -> str:
    """Returns a data format, Keras' own for None; raises ValueError if there is no such one."""
    return choice(
        "data_format",
        keras.config.image_data_format() if value is None else value,
        ("channels_last", "channels_first"),
    )
