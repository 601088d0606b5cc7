"""Which of several organisms resists more, as far as their runs can tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from mobench.score.intervals import clopper_pearson, t_half_width, t_quantile, t_tail
from mobench.score.scores import Estimate

LEVEL = 0.95


@dataclass(frozen=True)
class Contender:
    """One result to be ranked.

    Attributes:
        resistance: The headline, with its 95 % interval.
        prompts: Eval prompts behind it.
        seeds: Training seeds behind it.
        by_seed: The headline of each seed, where seeds match across rungs; seeds of the same
            name are compared with each other.
    """

    resistance: Estimate
    prompts: int
    seeds: int
    by_seed: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rank:
    """A place among results; results that do not differ significantly share it.

    Attributes:
        place: 1 + the number of results that are significantly more resistant.
        tied: Whether another result has the same place.
    """

    place: int
    tied: bool

    def __str__(self) -> str:
        return f"{self.place}=" if self.tied else str(self.place)


def ranks(contenders: Sequence[Contender], *, alpha: float = 0.05) -> list[Rank | None]:
    """Places by pairwise differences, Holm-corrected over all pairs.

    Holm, Scand. J. Stat. 6 (1979) 65. Two that do not differ significantly are not put in order by
    chance: each one's place counts only those that are shown to be above it, so places are shared
    freely and need not be transitive.

    Args:
        contenders: In any order.
        alpha: Family-wise error rate.

    Returns:
        For each contender its rank; None where there is no resistance with an interval.
    """
    able = [n for n, one in enumerate(contenders) if one.resistance.low is not None]
    pairs = list(combinations(able, 2))
    above = dict.fromkeys(able, 0)
    if pairs:
        from statsmodels.stats.multitest import multipletests  # slow to import

        tests = [difference_p(contenders[a], contenders[b]) for a, b in pairs]
        differ = multipletests([p for _, p in tests], alpha=alpha, method="holm")[0]
        for (a, b), (difference, _), significant in zip(pairs, tests, differ, strict=True):
            if significant:
                above[b if difference > 0 else a] += 1
    places = [above.get(n) for n in range(len(contenders))]
    return [None if place is None else Rank(place + 1, places.count(place) > 1) for place in places]


def difference_p(one: Contender, other: Contender) -> tuple[float, float]:
    """The difference of two resistances and its two-sided p-value.

    Where both have at least two seeds of the same names, the differences are paired by seed (the
    same seed has the same data order) and their t interval is used, never narrower than the prompts
    of one checkpoint allow (Clopper-Pearson of both, combined by MOVER): seeds that agree exactly
    leave no variance to go by. Otherwise the two intervals are combined by MOVER. The p-value is
    that at which an interval of this half-width, scaled by t, would touch 0.

    Raises:
        ValueError: One of them has no interval.
    """
    first, second = one.resistance, other.resistance
    if first.estimate is None or second.estimate is None:
        raise ValueError("a resistance without a number cannot be compared")
    shared = sorted(one.by_seed.keys() & other.by_seed.keys())
    if len(shared) > 1:
        apart = np.array([one.by_seed[seed] - other.by_seed[seed] for seed in shared])
        difference, df = float(apart.mean()), len(shared) - 1
        half = max(t_half_width(apart, LEVEL), _floor(one, other, difference))
    else:
        difference = first.estimate - second.estimate
        df = max(1, min(one.seeds, other.seeds) - 1)
        half = _mover(first, second, difference)
    if difference == 0.0 or half == 0.0:
        return difference, 1.0 if difference == 0.0 else 0.0
    return difference, min(1.0, 2 * t_tail(abs(difference) / half * t_quantile(LEVEL, df), df))


def _mover(first: Estimate, second: Estimate, difference: float) -> float:
    """Half-width on the side of 0 (Zou & Donner, Stat. Med. 27 (2008) 1693)."""
    assert first.estimate is not None
    assert second.estimate is not None
    if first.low is None or first.high is None or second.low is None or second.high is None:
        raise ValueError("a resistance without an interval cannot be compared")
    if difference > 0:
        return math.hypot(first.estimate - first.low, second.high - second.estimate)
    return math.hypot(first.high - first.estimate, second.estimate - second.low)


def _floor(one: Contender, other: Contender, difference: float) -> float:
    parts = []
    for side in (one, other):
        rate = min(max(side.resistance.estimate or 0.0, 0.0), 1.0)
        parts.append(Estimate(rate, *clopper_pearson(rate, side.prompts, LEVEL), "prompts"))
    return _mover(parts[0], parts[1], difference)
