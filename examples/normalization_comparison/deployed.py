"""How the variants' networks do as fused .tflite files: one JSON file for each setting."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from command_line import InputError
from stored_records import check_fields, is_count, is_positive, is_text
from whole_files import write_text

from normalization_comparison.setting import Setting

FILE = "deployed.json"


@dataclasses.dataclass(frozen=True)
class Deployed:
    """One variant's network, fused and converted to float32.

    Attributes:
        variant: A key of `VARIANTS`.
        ops: How often each operator occurs in the file.
        size_bytes: Of the file.
        packed_bytes: What the file would take if a kernel read its 1-bit weights as bits, which
            plain TFLite's do not; None without such weights.
        median_ms: The median time for one image on one thread.
        ratio: The same, relative to the baseline's, from turns in one process.
        ratio_spread: The quartiles of that ratio over the turns.
    """

    variant: str
    ops: dict[str, int]
    size_bytes: int
    packed_bytes: int | None
    median_ms: float
    ratio: float
    ratio_spread: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Deployment:
    """All variants that were measured together.

    Attributes:
        machine: What they were timed on.
        rounds: How many turns each had.
        rows: One for each variant, the baseline first.
    """

    machine: str
    rounds: int
    rows: tuple[Deployed, ...]


def write(out: Path, setting: Setting, deployment: Deployment) -> None:
    """Writes the figures beside the runs of the setting; raises InputError if that fails."""
    text = json.dumps(dataclasses.asdict(deployment), indent=1)
    write_text(out / setting.folder / FILE, text + "\n")


def read(out: Path, setting: Setting, variants: Iterable[str]) -> Deployment | None:
    """Returns the figures of these variants; None if none of them was measured.

    Raises:
        InputError: for a file that is of something else.
    """
    file = out / setting.folder / FILE
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        rows = tuple(_row(row) for row in content["rows"] if row["variant"] in variants)
        deployment = Deployment(content["machine"], content["rounds"], rows)
        check_fields(deployment, machine=is_text, rounds=is_count)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{file}: is no record of a deployment ({error}). Delete it and run --deploy again."
        ) from error
    return deployment if rows else None


def _row(content: dict[str, Any]) -> Deployed:
    row = Deployed(**{**content, "ratio_spread": tuple(content["ratio_spread"])})
    check_fields(
        row,
        ops=lambda value: isinstance(value, dict) and all(map(is_count, value.values())),
        size_bytes=is_count,
        packed_bytes=lambda value: value is None or is_count(value),
        median_ms=is_positive,
        ratio=is_positive,
        ratio_spread=lambda value: len(value) == 2 and all(map(is_positive, value)),
    )
    return row
