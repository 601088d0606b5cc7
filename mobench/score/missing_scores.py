"""The capability interval where scores are missing: it holds whatever they would have been.

Each paired drop is then known only to lie in a range. The mean moves with the ranges one for one,
and half-widths are norms of the data, so they change by no more than a norm of the ranges does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mobench.score.intervals import Array, clopper_pearson, t_quantile


def widened(
    before: Mapping[str, Array], after: Mapping[str, Array], gaps: Mapping[str, Array], level: float
) -> tuple[float, float]:
    """Returns bounds of the mean loss over tasks, seeds and questions.

    Args:
        before: Scores before training by task [1 or seeds, questions], NaN = missing.
        after: Scores after training [seeds, questions]; NaN = missing altogether.
        gaps: How much of each score after training is missing, in [0, 1], of the same shapes.
        level: Two-sided confidence level.
    """
    middles, radii = zip(
        *(_ranges(before[task], after[task], gaps[task]) for task in sorted(after)), strict=True
    )
    tasks, seeds = len(middles), middles[0].shape[0]
    mean = float(np.mean([middle.mean() for middle in middles]))
    reach = float(np.mean([radius.mean() for radius in radii]))
    seed_half = 0.0
    if seeds > 1:
        by_seed = np.mean([middle.mean(axis=1) for middle in middles], axis=0)
        away = np.mean([radius.mean(axis=1) for radius in radii], axis=0)
        seed_half = _half(by_seed, away, level)
    pairs = zip(middles, radii, strict=True)
    halves = [_question_half(middle, radius, level) for middle, radius in pairs]
    half = math.hypot(seed_half, math.sqrt(sum(part**2 for part in halves)) / tasks)
    return max(-1.0, mean - reach - half), min(1.0, mean + reach + half)


def _ranges(before: Array, after: Array, gap: Array) -> tuple[Array, Array]:
    """Middle and half-length of each drop's range [seeds, questions]."""
    after_low = np.where(np.isnan(after), 0.0, after * (1.0 - gap))
    after_high = np.where(np.isnan(after), 1.0, after_low + gap)
    before_low = np.where(np.isnan(before), 0.0, before)
    before_high = np.where(np.isnan(before), 1.0, before)
    low, high = before_low - after_high, before_high - after_low
    return (low + high) / 2, (high - low) / 2


def _half(values: Array, away: Array, level: float) -> float:
    """Greatest half-width of a t interval for the mean of values that may lie so far away."""
    count = values.size
    spread = float(values.std(ddof=1)) + float(np.linalg.norm(away)) / math.sqrt(count - 1)
    return t_quantile(level, count - 1) * spread / math.sqrt(count)


def _question_half(middle: Array, radius: Array, level: float) -> float:
    """Greatest half-width that the choice of questions adds in one task."""
    if middle.shape[1] < 2:
        return 1.0
    half = _half(middle.mean(axis=0), radius.mean(axis=0), level)
    # As much as is left where next to no question changed (Newcombe, Stat. Med. 17 (1998) 2635).
    questions = middle.shape[1]
    fell = float(np.maximum(middle + radius, 0.0).mean())
    rose = float(np.maximum(radius - middle, 0.0).mean())
    return max(half, math.hypot(_reach(fell, questions, level), _reach(rose, questions, level)))


def _reach(share: float, questions: int, level: float) -> float:
    """How far the ends of a share's Clopper-Pearson interval are from it, at most."""
    low, high = clopper_pearson(share, questions, level)
    return max(share - low, high - share)
