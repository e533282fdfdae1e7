"""Whether files are good enough to be released."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_tools.errors import ToolError
from tflite_tools.records import EvaluationRecord


@dataclass(frozen=True)
class GateResult:
    """Whether a file reached what was asked of it.

    Attributes:
        file: The .tflite file.
        figure: "accuracy" (top-1), "agreement" (with the reference) or "agreement with the CPU".
        got: The share of samples.
        wanted: The smallest share that passes.
        samples: How many samples it is a share of.
        passed: Whether the file reached it.
    """

    file: Path
    figure: str
    got: float
    wanted: float
    samples: int
    passed: bool

    def __str__(self) -> str:
        """The counts show what rounded percentages would hide."""
        return (
            f"{self.file}: expected {self.figure} of at least {self.wanted:.12g}, got "
            f"{self.got:.4f} ({round(self.got * self.samples)} of {self.samples} samples)."
        )


def gate_results(
    records: Iterable[EvaluationRecord],
    *,
    min_accuracy: float | None = None,
    min_agreement: float | None = None,
    min_delegate_agreement: float | None = None,
) -> tuple[GateResult, ...]:
    """Compares the figures of files with what was asked of all of them."""
    return tuple(
        GateResult(record.file, figure, got, wanted, record.samples, passed=got >= wanted)
        for record in records
        for figure, got, wanted in (
            ("accuracy", record.top1, min_accuracy),
            ("agreement", record.agreement, min_agreement),
            ("agreement with the CPU", _with_cpu(record), min_delegate_agreement),
        )
        if wanted is not None and got is not None
    )


def _with_cpu(record: EvaluationRecord) -> float | None:
    return None if record.accelerator is None else record.accelerator.agreement


def check_share(value: Any, option: str) -> None:
    """Refuses what no share of samples can be, NaN and percentages among it."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and 0 <= value <= 1):
        raise ToolError(f"{option}: expected a share from 0 to 1, such as 0.97, got {value!r}.")


def parse_share(text: str | None, option: str) -> float | None:
    """A share such as "0.97", or a percentage such as "97%"; None stays None."""
    if text is None:
        return None
    number = text.strip().removesuffix("%")
    try:
        share = float(number) / (100 if "%" in text else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ToolError(
            f"{option}: expected a share from 0 to 1, such as 0.97, or a percentage, such as 97%, "
            f"got {text}."
        )
    return share
