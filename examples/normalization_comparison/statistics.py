"""Means, spreads and paired tests over the seeds."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence

from normalization_comparison.runs import Run
from normalization_comparison.variants import BASELINE, VARIANTS

CONFIDENCE = 0.95
ROUNDING = 1e-9  # percentage points; less than one image of any test set


@dataclasses.dataclass(frozen=True)
class Difference:
    """How a variant differs from the baseline, seed by seed, in percentage points of top-1.

    Attributes:
        mean: Over the seeds that both have.
        low: The lower end of the 95 % confidence interval of the mean, of Student's t; None where
            all differences are the same, of which the test cannot tell how they would spread.
        high: The upper end, or None.
        p: Of the paired t-test, two-sided: how likely a mean this far from 0 is by chance; or None.
        seeds: How many pairs there are.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    seeds: int


@dataclasses.dataclass(frozen=True)
class Row:
    """What the runs of one variant say; what is None is not known.

    Attributes:
        variant: A key of `VARIANTS`.
        title: Its name in tables.
        top1: Final top-1 in percent by seed.
        mean: Of `top1`.
        std: Its standard deviation (n - 1).
        difference: To the baseline.
        parameters: Trained ones.
        time_ratio: Seconds of training for an image, relative to the baseline.
        memory_ratio: Memory of a step, relative to the baseline.
    """

    variant: str
    title: str
    top1: dict[int, float]
    mean: float
    std: float | None
    difference: Difference | None
    parameters: int
    time_ratio: float | None
    memory_ratio: float | None


def rows(runs: Sequence[Run]) -> list[Row]:
    """Returns a row for each variant that has runs, in the order of `VARIANTS`."""
    by_variant = {
        variant: chosen
        for variant in VARIANTS
        if (chosen := [run for run in runs if run.variant == variant])
    }
    baseline = by_variant.get(BASELINE, [])
    return [_row(variant, chosen, baseline) for variant, chosen in by_variant.items()]


def _row(variant: str, runs: Sequence[Run], baseline: Sequence[Run]) -> Row:
    top1 = _top1(runs)
    values = list(top1.values())
    return Row(
        variant=variant,
        title=VARIANTS[variant].title,
        top1=top1,
        mean=statistics.mean(values),
        std=statistics.stdev(values) if len(values) > 1 else None,
        difference=None if variant == BASELINE else paired(top1, _top1(baseline)),
        parameters=runs[0].parameters,
        time_ratio=_ratio(_seconds(runs), _seconds(baseline)),
        memory_ratio=_ratio(_memory(runs), _memory(baseline)),
    )


def paired(top1: Mapping[int, float], baseline: Mapping[int, float]) -> Difference | None:
    """Compares two variants seed by seed; None with fewer than two seeds in common."""
    differences = [top1[seed] - baseline[seed] for seed in top1 if seed in baseline]
    if len(differences) < 2:
        return None
    mean, spread = statistics.mean(differences), statistics.stdev(differences)
    if spread < ROUNDING:
        return Difference(mean, None, None, None, len(differences))
    # Only now: SciPy takes a second to import.
    from scipy import stats

    test = stats.ttest_1samp(differences, 0.0)
    interval = test.confidence_interval(CONFIDENCE)
    return Difference(
        mean, float(interval.low), float(interval.high), float(test.pvalue), len(differences)
    )


def _top1(runs: Sequence[Run]) -> dict[int, float]:
    return {run.seed: 100 * run.final for run in runs}


def _seconds(runs: Sequence[Run]) -> float | None:
    return statistics.median(1 / run.images_per_second for run in runs) if runs else None


def _memory(runs: Sequence[Run]) -> float | None:
    known = [run.step_mib for run in runs if run.step_mib is not None]
    return statistics.median(known) if known else None


def _ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base
