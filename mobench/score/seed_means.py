"""Window means of seeds, and their interval: what is missing can only widen it.

An answer that is not there or was not judged could have been either way. A seed's mean is therefore
known only to lie between what it would be if every such answer had been 0 and if it had been 1
(Manski, Am. Econ. Rev. 80 (1990) 319). An interval over seeds has to hold wherever in these ranges
the means lie. The lower end of a t interval, ``mean - q * sd``, is concave in the means, since a
standard deviation is convex; so over ranges it is lowest at one of their corners.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from mobench.score.intervals import (
    FEW_EVENTS,
    Array,
    clopper_pearson,
    t_half_width,
    t_quantile,
)

# Rounding gives identical seeds a standard deviation below this; one flipped answer gives far more.
NOTHING = 1e-9


@dataclass(frozen=True)
class SeedMeans:
    """Mean rate of each seed in a window.

    Attributes:
        mean: Over what was judged [seeds]; NaN where nothing was.
        low: If everything missing had been 0 [seeds].
        high: If everything missing had been 1 [seeds].
        prompts: Judged prompts of a checkpoint, on average.
    """

    mean: Array
    low: Array
    high: Array
    prompts: float

    @property
    def missing(self) -> bool:
        """Whether anything is missing."""
        return bool((self.high > self.low).any())


def filled_rates(window: Array) -> tuple[Array, Array]:
    """Returns each checkpoint's rate if what is missing had been 0, and if it had been 1.

    Args:
        window: Outcomes [seeds, checkpoints, prompts], NaN = missing.
    """
    gaps = np.isnan(window)
    low = np.where(gaps, 0.0, window).mean(axis=2)
    return low, low + gaps.mean(axis=2)


def seed_means(window: Array) -> SeedMeans:
    """Returns the window means of seeds.

    Args:
        window: Outcomes [seeds, checkpoints, prompts], NaN = missing; no axis empty.
    """
    judged = ~np.isnan(window)
    counts = judged.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.where(judged, window, 0.0).sum(axis=2) / counts
        weights = (counts > 0).sum(axis=1)
        mean = np.where(counts > 0, rates, 0.0).sum(axis=1) / weights
    low, high = filled_rates(window)
    asked = counts > 0
    prompts = float(counts.sum()) / max(1, int(asked.sum()))
    return SeedMeans(mean, low.mean(axis=1), high.mean(axis=1), prompts)


def t_bounds(low: Array, high: Array, level: float) -> tuple[float, float]:
    """Returns the ends of t intervals that hold wherever in their ranges the values lie.

    Args:
        low: Least value of each seed [seeds], at least two.
        high: Greatest value of each seed [seeds].
        level: Two-sided confidence level.
    """
    if np.array_equal(low, high):
        half = t_half_width(low, level)
        return float(low.mean()) - half, float(low.mean()) + half
    ranges = [(a, b) if b > a else (a,) for a, b in zip(low, high, strict=True)]
    corners = np.array(list(itertools.product(*ranges)))
    means = corners.mean(axis=1)
    factor = t_quantile(level, low.size - 1) / math.sqrt(low.size)
    halves = factor * corners.std(axis=1, ddof=1)
    return float((means - halves).min()), float((means + halves).max())


def prompt_bounds(means: SeedMeans, level: float) -> tuple[float, float]:
    """Returns the Clopper-Pearson interval of the mean on one checkpoint's prompts, as a range."""
    low = clopper_pearson(float(means.low.mean()), means.prompts, level)[0]
    high = clopper_pearson(float(means.high.mean()), means.prompts, level)[1]
    return low, high


def near_a_bound(means: SeedMeans) -> bool:
    """Whether so few hits or misses are expected that t cannot be trusted alone."""
    least = min(float(means.low.mean()), 1.0 - float(means.high.mean()))
    return means.prompts * least < FEW_EVENTS


def agree(means: SeedMeans) -> bool:
    """Whether all seeds could have one and the same mean."""
    return float(means.low.max()) <= float(means.high.min()) + NOTHING
