"""A table of the paper as plain data: figures as printed, as computed, and their differences."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of the paper and what is computed here, or one of both alone.

    Attributes:
        printed: As the paper prints it; empty where it prints none.
        computed: What is computed here, in full.
        difference: Of `computed`, with as many digits as `printed`, from `printed`; `"0"` if there
            is none, empty if nothing is printed or the two cannot be compared.
    """

    printed: str
    computed: str
    difference: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A row; `remark` says why a figure differs, or what was computed."""

    labels: tuple[str, ...]
    figures: dict[str, Figure]
    remark: str = ""


@dataclasses.dataclass(frozen=True)
class PaperTable:
    """A table of the paper.

    Attributes:
        title: What it is.
        labels: The headings of its rows' labels.
        rows: Its rows.
        notes: What has to be said of all of it.
        has_differences: Whether its figures are numbers that can be near.
        is_exact: Whether they follow from the networks alone, so that those that do are counted.
        failed: Names of the rows that could not be computed.
    """

    title: str
    labels: tuple[str, ...]
    rows: list[Row]
    notes: tuple[str, ...]
    has_differences: bool
    is_exact: bool = True
    failed: tuple[str, ...] = ()


def number(printed: str, computed: Decimal, *, cut_off: bool) -> Figure:
    """Compares numbers with the digits that the paper prints, cut off or rounded."""
    how = ROUND_DOWN if cut_off else ROUND_HALF_UP
    difference = computed.quantize(Decimal(printed), how) - Decimal(printed)
    return Figure(printed, str(computed), f"{difference:+}" if difference else "0")


def text(printed: str, computed: str) -> Figure:
    """Compares words or sizes, which are the same or not."""
    if not printed:
        return Figure(printed, computed, "")
    return Figure(printed, computed, "0" if printed == computed else "differs")
