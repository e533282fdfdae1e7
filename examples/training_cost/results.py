"""What was measured, and the ratios to the baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training_cost.plan import BASELINE, VARIANTS, Comparison


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median and quartiles of the rounds' ratios to the baseline."""

    median: float
    lower: float
    upper: float


@dataclasses.dataclass(frozen=True)
class Row:
    """What a variant costs. A figure that is None is not known.

    Attributes:
        variant: Its name in the tables.
        problem: Why nothing is known of it.
        failed: Whether that is an error, rather than something its framework does not have.
        wall_ms: Median time of a step.
        cpu_ms: Median of the time that all threads of the process spent in a step.
        wall_ratio: Of the wall times of each round.
        cpu_ratio: Of the CPU times of each round.
        memory_mib: Peak memory of a step, beyond what the process held before.
        memory_ratio: The same, relative to the baseline.
        gflop: Floating-point operations, in thousand millions, as the framework counts them.
        flop_ratio: The same, relative to the baseline.
        samples: Milliseconds of each round.
    """

    variant: str
    problem: str | None = None
    failed: bool = False
    wall_ms: float | None = None
    cpu_ms: float | None = None
    wall_ratio: Spread | None = None
    cpu_ratio: Spread | None = None
    memory_mib: float | None = None
    memory_ratio: float | None = None
    gflop: float | None = None
    flop_ratio: float | None = None
    samples: dict[str, list[float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Result:
    """A comparison and what came of it.

    Attributes:
        comparison: What was compared.
        rows: One for each variant, the baseline first.
        device: The framework's version and the GPU's name, if there is one.
    """

    comparison: Comparison
    rows: list[Row]
    device: dict[str, Any]


def rows_of(
    costs: Mapping[str, Mapping[str, Any]], times: Mapping[str, Mapping[str, Any]]
) -> list[Row]:
    """Makes the rows from the workers' answers.

    Args:
        costs: The answer on each variant by itself.
        times: The one answer on all of them in turns: their `samples`, and which `failed`.
    """
    return [_row(variant, costs, times) for variant in costs]


def _row(
    variant: str, costs: Mapping[str, Mapping[str, Any]], times: Mapping[str, Mapping[str, Any]]
) -> Row:
    name, cost, base = VARIANTS[variant], costs[variant], costs.get(BASELINE, {})
    if "not_available" in cost:
        return Row(name, problem=cost["not_available"])
    failure = cost.get("failed") or times["failed"].get(variant)
    memory, flops = cost.get("memory_bytes"), cost.get("flops")
    row = Row(
        name,
        problem=failure,
        failed=failure is not None,
        memory_mib=None if memory is None else memory / 2**20,
        memory_ratio=_quotient(memory, base.get("memory_bytes")),
        gflop=None if flops is None else flops / 1e9,
        flop_ratio=_quotient(flops, base.get("flops")),
    )
    samples = times["samples"].get(variant)
    if samples is None:
        return row
    base_samples = times["samples"].get(BASELINE)
    return dataclasses.replace(
        row,
        wall_ms=float(np.median(samples["wall_ms"])),
        cpu_ms=float(np.median(samples["cpu_ms"])),
        wall_ratio=base_samples and spread(samples["wall_ms"], base_samples["wall_ms"]),
        cpu_ratio=base_samples and spread(samples["cpu_ms"], base_samples["cpu_ms"]),
        samples=samples,
    )


def spread(samples: Sequence[float], baseline: Sequence[float]) -> Spread:
    """Returns median and quartiles of the ratios, round by round."""
    ratios = np.asarray(samples) / np.asarray(baseline)
    lower, median, upper = (float(q) for q in np.percentile(ratios, [25, 50, 75]))
    return Spread(median, lower, upper)


def _quotient(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None
