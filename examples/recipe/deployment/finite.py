"""Figures as JSON holds them, which has no NaN and no infinity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def finite(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures with None in place of what is no number."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }
