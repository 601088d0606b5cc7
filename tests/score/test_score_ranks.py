"""Places among comparable results, as far as intervals that all hold at once can tell."""

from __future__ import annotations

import numpy as np
import pytest

from mobench.score import Estimate
from mobench.score.ranks import rank_ranges, resolution, row_level

NONE = Estimate(None, None, None, "no admissible rung")


def row(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, "t")


def places(*rows: Estimate) -> list[str | None]:
    return [None if found is None else str(found) for found in rank_ranges(rows)]


def test_rows_that_lie_apart_have_a_place_of_their_own() -> None:
    assert places(row(0.0, 0.1), row(0.9, 1.0), row(0.4, 0.6)) == ["3", "1", "2"]


def test_rows_that_overlap_share_a_range() -> None:
    assert places(row(0.8, 1.0), row(0.5, 0.9), row(0.3, 0.6), row(0.0, 0.1)) == [
        "1–2",
        "1–3",
        "2–3",
        "4",
    ]
    assert places(row(0.0, 1.0), row(0.0, 1.0)) == ["1–2", "1–2"]


def test_rows_that_touch_are_not_told_apart() -> None:
    assert places(row(0.5, 1.0), row(0.0, 0.5)) == ["1–2", "1–2"]


def test_a_row_without_an_interval_has_no_place_and_takes_none() -> None:
    assert places(row(0.9, 1.0), NONE, row(0.0, 0.1)) == ["1", None, "2"]
    assert rank_ranges([]) == []


def test_a_wider_interval_never_narrows_a_range() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        ends = np.sort(rng.random((6, 2)), axis=1)
        before = rank_ranges([row(low, high) for low, high in ends])
        one = rng.integers(6)
        ends[one] += (-0.2 * rng.random(), 0.2 * rng.random())
        for was, now in zip(before, rank_ranges([row(*e) for e in ends]), strict=True):
            assert was is not None
            assert now is not None
            assert now.first <= was.first
            assert now.last >= was.last


def test_every_true_place_is_in_its_range_where_every_interval_holds() -> None:
    truths = np.array([0.1, 0.5, 0.5, 0.9])
    rows = [row(truth - 0.2, truth + 0.3) for truth in truths]
    for truth, found in zip(truths, rank_ranges(rows), strict=True):
        assert found is not None
        assert found.first <= 1 + (truths > truth).sum()
        assert found.last >= len(truths) - (truths < truth).sum()


def test_more_rows_need_stricter_intervals() -> None:
    assert row_level(1) == 0.95
    assert row_level(30) == pytest.approx(1 - 0.05 / 30)
    assert row_level(0) == 0.95


def test_the_resolution_is_the_median_sum_of_half_widths() -> None:
    assert resolution([row(0.0, 0.2), row(0.4, 0.8), NONE]) == pytest.approx(0.3)
    assert resolution([row(0.0, 0.2), NONE]) is None
