"""Means, spreads and the paired test against what can be computed by hand."""

import math

import pytest
from normalization_comparison.statistics import paired, rows

# Student's t with 2 degrees of freedom has a closed form: P(|T| > t) = 1 - t / √(t² + 2), and
# 4.302653 is its 97.5 % quantile.
QUANTILE = 4.302653


def test_the_paired_test_with_three_seeds():
    found = paired({0: 81.0, 1: 84.0, 2: 82.0}, {0: 80.0, 1: 80.0, 2: 81.0})
    error = math.sqrt(3) / math.sqrt(3)  # the differences 1, 4, 1 deviate by √3
    t = 2 / error
    assert (found.mean, found.seeds) == (2, 3)
    assert found.p == pytest.approx(1 - t / math.sqrt(t**2 + 2), abs=1e-12)
    assert found.low == pytest.approx(2 - QUANTILE * error, abs=1e-5)
    assert found.high == pytest.approx(2 + QUANTILE * error, abs=1e-5)


def test_pairs_are_of_the_same_seed():
    top1 = {7: 90.0, 3: 70.0, 5: 80.0}
    baseline = {5: 79.0, 9: 0.0, 3: 68.0, 7: 90.0}
    assert paired(top1, baseline) == paired({0: 0.0, 1: 2.0, 2: 1.0}, {0: 0.0, 1: 0.0, 2: 0.0})


def test_one_seed_in_common_says_nothing():
    assert paired({0: 90.0, 1: 80.0}, {1: 70.0, 2: 60.0}) is None


@pytest.mark.parametrize("gain", [0.0, 1.5, 100 / 359])
def test_differences_without_spread_are_no_test(gain):
    """In percentage points they may differ by rounding alone, which is no spread."""
    baseline = {0: 33.1, 1: 96.66, 2: 51.7}
    found = paired({seed: value + gain for seed, value in baseline.items()}, baseline)
    assert found.mean == pytest.approx(gain)
    assert (found.low, found.high, found.p, found.seeds) == (None, None, None, 3)


def test_rows_stand_in_the_table_s_order_with_ratios_to_bn(make_run):
    runs = [
        make_run("g4", seed, top1, images_per_second=50.0, step_mib=30.0)
        for seed, top1 in ((0, 0.8), (1, 0.9))
    ]
    runs += [make_run("bn", seed, 0.7, step_mib=20.0) for seed in (0, 1)]
    bn, g4 = rows(runs)
    assert (bn.variant, g4.variant) == ("bn", "g4")
    assert bn.difference is None
    assert (bn.time_ratio, bn.memory_ratio) == (1, 1)
    assert (g4.time_ratio, g4.memory_ratio) == (2, 1.5)
    assert g4.top1 == pytest.approx({0: 80, 1: 90})
    assert g4.mean == pytest.approx(85)
    assert g4.std == pytest.approx(math.sqrt(50))  # n - 1
    assert g4.difference.mean == pytest.approx(15)


def test_rows_without_bn_have_nothing_to_compare_with(make_run):
    (row,) = rows([make_run("g2", 0, 0.8), make_run("g2", 1, 0.9)])
    assert row.difference is row.time_ratio is row.memory_ratio is None
    assert rows([make_run("g2")])[0].std is None
