"""Other ways to say which of two rows resists more, for ranks to be compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mobench.score.estimate import Estimate
from mobench.score.intervals import Array, clopper_pearson

LEVEL = 0.95
ALPHA = 0.05

Above = NDArray[np.bool_]
"""Whether each row is said to be above each other one [rows, rows]."""


def apart(intervals: Sequence[Estimate]) -> Above:
    """A row is above another if its whole interval is."""
    low = np.array([row.low for row in intervals], dtype=np.float64)
    high = np.array([row.high for row in intervals], dtype=np.float64)
    return np.asarray(low[:, None] > high[None, :])


@dataclass(frozen=True)
class Row:
    """A row as pairs of rows are tested.

    Attributes:
        headline: With its 95 % interval.
        by_seed: The headline of each seed.
        prompts: Eval prompts behind it.
    """

    headline: Estimate
    by_seed: Mapping[int, float]
    prompts: int


def holm(rows: Sequence[Row]) -> Above:
    """Pairs tested by t over seeds of the same names, all pairs corrected by Holm's method.

    The half-width of a difference is never below what the prompts of one checkpoint allow
    (Clopper-Pearson of both, combined by MOVER: Zou & Donner, Stat. Med. 27 (2008) 1693). Without
    two seeds of the same names the rows' intervals are combined by MOVER. Holm, Scand. J. Stat. 6
    (1979) 65.
    """
    # 1. Differences, paired by seed.
    seeds = sorted(set().union(*(row.by_seed for row in rows)))
    values = np.array([[row.by_seed.get(seed, np.nan) for seed in seeds] for row in rows])
    first, second = np.triu_indices(len(rows), 1)
    differences = values[first] - values[second]
    shared = (~np.isnan(differences)).sum(axis=1)
    estimate, low, high = _bounds([row.headline for row in rows])
    paired = shared > 1
    difference = estimate[first] - estimate[second]
    df = np.maximum(1, np.minimum(*(_seeds(values)[side] for side in (first, second))) - 1)
    half = _mover(estimate, low, high, first, second, difference)

    # 2. Where seeds are shared, t over their differences, but no narrower than prompts allow.
    if paired.any():
        some = differences[paired]
        difference[paired] = np.nanmean(some, axis=1)
        df[paired] = shared[paired] - 1
        spread = np.nanstd(some, axis=1, ddof=1) / np.sqrt(shared[paired])
        over_seeds = special.stdtrit(df[paired], (1 + LEVEL) / 2) * spread
        exact = _bounds([_prompts_only(row) for row in rows])
        floor = _mover(*exact, first, second, difference)
        half[paired] = np.maximum(over_seeds, floor[paired])

    # 3. The p-value at which an interval of this half-width would touch 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.abs(difference) / half * special.stdtrit(df, (1 + LEVEL) / 2)
    p = np.where(difference == 0.0, 1.0, 2 * special.stdtr(df, -statistic))
    differ = holm_rejects(p)
    above = np.zeros((len(rows), len(rows)), dtype=bool)
    above[first, second] = differ & (difference > 0)
    above[second, first] = differ & (difference < 0)
    return above


def holm_rejects(p: Array) -> NDArray[np.bool_]:
    """Which of several hypotheses Holm's step-down rejects.

    statsmodels has it too, but collects garbage at each call: most of the time of a board.
    """
    order = np.argsort(p)
    held = np.flatnonzero(p[order] > ALPHA / (p.size - np.arange(p.size)))
    rejected = np.zeros(p.size, dtype=bool)
    rejected[order[: held[0] if held.size else p.size]] = True
    return rejected


def _seeds(values: Array) -> NDArray[np.int64]:
    return np.asarray(np.maximum(1, (~np.isnan(values)).sum(axis=1)), dtype=np.int64)


def _bounds(rows: Sequence[Estimate]) -> tuple[Array, Array, Array]:
    table = np.array([(row.estimate, row.low, row.high) for row in rows], dtype=np.float64)
    return table[:, 0], table[:, 1], table[:, 2]


def _prompts_only(row: Row) -> Estimate:
    rate = min(max(row.headline.estimate or 0.0, 0.0), 1.0)
    return Estimate(rate, *clopper_pearson(rate, row.prompts, LEVEL), "prompts")


def _mover(
    estimate: Array,
    low: Array,
    high: Array,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    difference: Array,
) -> Array:
    """Half-width of each pair's difference on the side of 0."""
    down, up = estimate - low, high - estimate
    positive = np.hypot(down[first], up[second])
    return np.where(difference > 0, positive, np.hypot(up[first], down[second]))
