"""Checks of records that were read from disk, where anybody may have changed them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """A finite number; JSON's true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def is_positive(value: Any) -> bool:
    return is_number(value) and value > 0


def is_count(value: Any) -> bool:
    """A whole number from 1."""
    return isinstance(value, int) and is_positive(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def check_fields(record: Any, **checks: Check) -> None:
    """Checks attributes of a record, each by the function of its name.

    Raises:
        ValueError: names the first that cannot be what was written.
    """
    for name, holds in checks.items():
        value = getattr(record, name)
        if not holds(value):
            raise ValueError(f"its {name} cannot be {str(value)[:60]}")
