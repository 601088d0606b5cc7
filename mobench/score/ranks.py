"""Where a result stands among comparable ones, as a range of places that its interval allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobench.score.estimate import Estimate

LEVEL = 0.95


@dataclass(frozen=True)
class RankRange:
    """The places that a result can have among comparable ones; 1 is the most resistant.

    Attributes:
        first: 1 + the number of results that are shown to be more resistant.
        last: The number of all less those that are shown to be less resistant.
    """

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def row_level(rows: int, level: float = LEVEL) -> float:
    """Returns the level of each row's interval, so that all of them hold at once.

    Bonferroni: ``1 - (1 - level) / rows``.

    Args:
        rows: How many results are compared.
        level: Of all of them together.
    """
    return 1.0 - (1.0 - level) / max(1, rows)


def rank_ranges(intervals: Sequence[Estimate]) -> list[RankRange | None]:
    """Returns the range of places of each result.

    Where all intervals hold at once, so do all ranges: Klein, Wright & Wieczorek, J. R. Stat. Soc.
    C 69 (2020) 589. Two results whose intervals overlap are not put in order.

    Args:
        intervals: Resistance of each result, at the level of :func:`row_level`.

    Returns:
        None for a result without an interval, which has no place and takes none from others.
    """
    able = [one for one in intervals if one.low is not None and one.high is not None]
    lows = np.array([one.low for one in able], dtype=np.float64)
    highs = np.array([one.high for one in able], dtype=np.float64)
    found: list[RankRange | None] = []
    for one in intervals:
        if one.low is None or one.high is None:
            found.append(None)
            continue
        above, below = int((lows > one.high).sum()), int((highs < one.low).sum())
        found.append(RankRange(1 + above, len(able) - below))
    return found


def resolution(intervals: Sequence[Estimate]) -> float | None:
    """Returns the smallest difference that such results can be told apart by.

    It is the median over pairs of results of the sum of their half-widths: two results whose
    estimates differ by more have intervals that do not overlap, as far as these are symmetric.

    Args:
        intervals: As for :func:`rank_ranges`.

    Returns:
        None for fewer than two results with an interval.
    """
    halves = [
        (one.high - one.low) / 2
        for one in intervals
        if one.low is not None and one.high is not None
    ]
    if len(halves) < 2:
        return None
    pairs = np.add.outer(halves, halves)[np.triu_indices(len(halves), 1)]
    return float(np.median(pairs))
