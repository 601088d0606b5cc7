"""The interval arithmetic, against scipy.stats and statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from mobench.score.intervals import (
    batch_half_width,
    clopper_pearson,
    crossed_components,
    t_half_width,
    t_quantile,
    t_tail,
)


@pytest.mark.parametrize("hits", [0, 1, 7, 50, 99, 100])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_clopper_pearson_is_that_of_statsmodels(hits, level):
    expected = proportion_confint(hits, 100, alpha=1 - level, method="beta")
    assert clopper_pearson(hits / 100, 100, level) == pytest.approx(expected, abs=1e-9)


def test_t_half_width_is_that_of_scipy():
    values = np.array([0.2, 0.5, 0.45, 0.3])
    low, high = stats.t.interval(0.9, 3, loc=values.mean(), scale=stats.sem(values))
    assert t_half_width(values, 0.9) == pytest.approx((high - low) / 2)
    assert t_quantile(0.95, 2) == pytest.approx(4.302653, abs=1e-6)
    assert t_tail(1.3, 4) == pytest.approx(stats.t.sf(1.3, 4))


def test_batch_means_use_batches_and_not_single_values():
    series = np.array([0.0, 0.2, 1.0, 0.8, 0.1, 0.3, 0.5, 0.7])
    means = series.reshape(4, 2).mean(axis=1)
    low, high = stats.t.interval(0.95, 3, loc=means.mean(), scale=stats.sem(means))
    assert batch_half_width(series, 0.95) == pytest.approx((high - low) / 2)
    assert batch_half_width(np.array([0.4]), 0.95) is None


def test_two_way_components_give_the_variance_that_brute_force_finds():
    """Mean of the estimated variance = variance of the mean over many simulated tables."""
    rng = np.random.default_rng(0)
    rows, columns = 3, 20
    means, parts = [], []
    for _ in range(4000):
        table = (
            0.3 * rng.normal(size=(rows, 1))
            + 0.8 * rng.normal(size=(1, columns))
            + 0.5 * rng.normal(size=(rows, columns))
        )
        means.append(table.mean())
        parts.append(crossed_components(table))
    row_part, column_part = np.mean(parts, axis=0)
    assert row_part == pytest.approx(0.3**2 / 3 + 0.5**2 / 60, rel=0.08)
    assert column_part == pytest.approx(0.8**2 / 20, rel=0.05)
    assert row_part + column_part == pytest.approx(np.var(means), rel=0.08)
