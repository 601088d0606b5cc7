"""The difference of two estimates covers the truth as often as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mobench.score import Estimate
from mobench.score.comparison import difference
from mobench.score.intervals import clopper_pearson


def proportion(rate: float, trials: int) -> Estimate:
    return Estimate(rate, *clopper_pearson(rate, trials, 0.95), "clopper-pearson")


def test_symmetric_intervals_add_as_standard_errors_do() -> None:
    found = difference(Estimate(0.9, 0.6, 1.2, "t"), Estimate(0.4, 0.0, 0.8, "t"))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.5, 0.0, 1.0))


def test_turned_round_it_is_the_negative() -> None:
    one, other = proportion(1.0, 20), proportion(0.1, 30)
    found, back = difference(one, other), difference(other, one)
    assert found.low is not None
    assert (back.estimate, back.low, back.high) == pytest.approx(
        (-found.estimate, -found.high, -found.low)
    )


def test_an_estimate_at_its_bound_leaves_the_difference_lopsided() -> None:
    found = difference(proportion(1.0, 20), Estimate(0.5, 0.5, 0.5, "known"))
    assert found.high == pytest.approx(0.5)
    assert found.low is not None
    assert found.low < 0.35


@pytest.mark.parametrize("lacking", [Estimate(None, None, None, ""), Estimate(0.5, None, None, "")])
def test_without_an_interval_there_is_no_difference(lacking: Estimate) -> None:
    for pair in ((lacking, proportion(0.5, 10)), (proportion(0.5, 10), lacking)):
        found = difference(*pair)
        assert (found.estimate, found.low, found.high) == (None, None, None)
        assert "one of the two has no" in found.method


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.95, 0.9), (1.0, 0.98), (0.05, 0.9), (0.3, 0.1)])
def test_the_interval_covers_the_true_difference(rates: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    tries, trials = 1000, 60
    hits = rng.binomial(trials, rates, size=(tries, 2)) / trials
    covered = 0
    for a, b in hits:
        found = difference(proportion(float(a), trials), proportion(float(b), trials))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= rates[0] - rates[1] <= found.high
    assert covered / tries >= 0.95 - 2 * math.sqrt(0.05 * 0.95 / tries)
