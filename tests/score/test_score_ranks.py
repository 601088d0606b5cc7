"""Ranks: paired by seed, corrected for all pairs, ties shown as ties."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mobench.score import Contender, Estimate, ranks
from mobench.score.ranks import difference_p


def contender(*levels, width=0.1, prompts=100, seeds=None):
    names = range(len(levels)) if seeds is None else seeds
    mean = float(np.mean(levels))
    estimate = Estimate(mean, mean - width, mean + width, "t over seeds")
    return Contender(estimate, prompts, len(levels), dict(zip(names, levels, strict=True)))


def shown(*contenders):
    return [str(rank) if rank else None for rank in ranks(contenders)]


def test_what_is_clearly_apart_is_ranked():
    high, middle, low = contender(1, 1, 1), contender(0.5, 0.52, 0.48), contender(0, 0, 0)
    assert shown(low, high, middle) == ["3", "1", "2"]


def test_what_cannot_be_told_apart_is_a_tie():
    first, second = contender(0.9, 0.7, 0.8), contender(0.8, 0.75, 0.7)
    assert shown(first, second, contender(0, 0, 0)) == ["1=", "1=", "3"]


def test_seeds_that_move_together_are_compared_with_each_other():
    """Paired, a small constant difference shows through a large common spread."""
    one = contender(0.9, 0.5, 0.7, 0.3, 0.6, prompts=100_000)
    other = contender(0.82, 0.41, 0.62, 0.21, 0.52, prompts=100_000)
    difference, p = difference_p(one, other)
    expected = stats.ttest_rel(list(one.by_seed.values()), list(other.by_seed.values()))
    assert difference == pytest.approx(0.084)
    assert p == pytest.approx(expected.pvalue)
    strangers = Contender(other.resistance, 100_000, 5, {9: 0.8})
    assert difference_p(one, strangers)[1] > 10 * p


def test_seeds_that_agree_exactly_are_no_certainty():
    """Three times 0.95 against three times 1.00 on 20 prompts: one answer of twenty."""
    few = difference_p(contender(1, 1, 1, prompts=20), contender(0.95, 0.95, 0.95, prompts=20))
    many = difference_p(contender(1, 1, 1, prompts=4000), contender(0.95, 0.95, 0.95, prompts=4000))
    assert few[1] > 0.1
    assert many[1] < 0.05


def test_many_pairs_are_corrected_for_as_statsmodels_does():
    rng = np.random.default_rng(0)
    board = [contender(*(0.5 + 0.04 * n + 0.05 * rng.normal(size=5))) for n in range(6)]
    pairs = [(a, b) for a in range(6) for b in range(a + 1, 6)]
    p = [difference_p(board[a], board[b])[1] for a, b in pairs]
    plain = sum(value < 0.05 for value in p)
    held = int(multipletests(p, method="holm")[0].sum())
    assert held < plain
    found = ranks(board)
    assert sum(rank.place - 1 for rank in found) == held


def test_equal_organisms_are_seldom_put_in_order():
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        board = [contender(*(0.5 + 0.1 * rng.normal(size=3))) for _ in range(4)]
        wrong += any(rank.place > 1 for rank in ranks(board))
    assert wrong / 200 <= 0.07


def test_without_a_number_there_is_no_rank():
    missing = Contender(Estimate(None, None, None, "no admissible rung"), 100, 3)
    assert shown(contender(1, 1, 1), missing) == ["1", None]
    assert ranks([]) == []
