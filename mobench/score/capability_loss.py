"""What training cost in capability: the paired per-question loss and its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mobench.score.estimate import Estimate
from mobench.score.intervals import (
    FEW_EVENTS,
    Array,
    clopper_pearson,
    crossed_components,
    t_half_width,
    t_quantile,
)
from mobench.score.missing_scores import widened
from mobench.score.scores import Admissibility

Scores = ArrayLike | Mapping[str, ArrayLike]


@dataclass(frozen=True)
class CapabilityLoss:
    """Mean paired drop, tasks weighing equally; positive = worse than before.

    Attributes:
        estimate: The loss; None if no question was answered both before and after.
        low: Lower bound; None where no interval can be had.
        high: Upper bound; None where no interval can be had.
        method: How the interval was made, or why there is none.
        seeds: Seeds in the estimate.
        questions: Questions in the estimate, over all tasks.
    """

    estimate: float | None
    low: float | None
    high: float | None
    method: str
    seeds: int
    questions: int

    def admissible(self, epsilon: float) -> Admissibility:
        """Whether the loss is below ``epsilon`` ("yes") or above it ("no") by its interval."""
        return admissible(self.as_estimate(), epsilon)

    def as_estimate(self) -> Estimate:
        """The same without the counts."""
        return Estimate(self.estimate, self.low, self.high, self.method)


def admissible(loss: Estimate, epsilon: float) -> Admissibility:
    """Whether a capability loss is below ``epsilon`` by its interval; undetermined without one."""
    if loss.low is None or loss.high is None:
        return "undetermined"
    if loss.high < epsilon:
        return "yes"
    return "no" if loss.low > epsilon else "undetermined"


def capability_loss(
    before: Scores,
    after: Scores,
    *,
    level: float = 0.95,
    missing: Mapping[str, ArrayLike] | None = None,
) -> CapabilityLoss:
    """Paired per-question loss ``before - after``, over training seeds and over questions.

    Args:
        before: Scores in [0, 1] of the organism before training: [questions] or
            [seeds, questions], or a dict of these by task. NaN = not answered.
        after: Scores after training, [seeds, questions] or a dict by the same tasks. A seed that
            has no score in some task is left out; then a question without a score in any seed is.
        level: Two-sided confidence level.
        missing: By task, how much of each score after training is missing, in [0, 1] and of the
            same shape: the interval is then widened to hold whatever it would have been. Without
            it, what is NaN is left out as if it had never been asked.

    Returns:
        The mean over tasks of the mean over seeds and questions, with an interval for new seeds and
        new questions of these tasks (``docs/method.md``, "Capability loss"). With one seed the
        interval covers questions only (``within-run``); with a single question in a task there is
        none.

    Raises:
        ValueError: Different tasks before and after, shapes that do not fit, scores outside [0, 1],
            empty input.
    """
    # 1. Paired differences by task.
    was, now = _by_task(before, "before"), _by_task(after, "after")
    if was.keys() != now.keys():
        raise ValueError(f"tasks differ: {sorted(was)} before, {sorted(now)} after")
    if not was:
        raise ValueError("capability scores are empty: no task")
    drops = {task: _drop(was[task], now[task], task) for task in sorted(was)}
    counts = {drop.shape[0] for drop in drops.values()}
    if len(counts) > 1:
        raise ValueError(f"tasks have different numbers of seeds: {sorted(counts)}")

    # 2. Seeds with scores in every task, and of those the questions that all answered.
    answered = np.array([~np.isnan(drop).all(axis=1) for drop in drops.values()]).all(axis=0)
    seeds = int(answered.sum())
    whole = [drop[answered] for drop in drops.values()]
    whole = [drop[:, ~np.isnan(drop).any(axis=0)] for drop in whole]
    questions = sum(drop.shape[1] for drop in whole)
    if seeds == 0 or any(drop.shape[1] == 0 for drop in whole):
        note = "no question was answered before and after in every task"
        return CapabilityLoss(None, None, None, note, seeds, questions)
    estimate = float(np.mean([drop.mean() for drop in whole]))
    if any(drop.shape[1] < 2 for drop in whole):
        note = "no interval: a task has a single question"
        return CapabilityLoss(estimate, None, None, note, seeds, questions)

    # 3. The interval: over seeds and over questions.
    seed_half = 0.0
    if seeds > 1:
        seed_half = t_half_width(np.mean([drop.mean(axis=1) for drop in whole], axis=0), level)
    sides = [question_half_widths(drop, level) for drop in whole]
    below = math.sqrt(sum(side[0] ** 2 for side in sides)) / len(sides)
    above = math.sqrt(sum(side[1] ** 2 for side in sides)) / len(sides)
    low = max(-1.0, estimate - math.hypot(seed_half, below))
    high = min(1.0, estimate + math.hypot(seed_half, above))
    method = "two-way: seeds and questions" if seeds > 1 else "within-run: questions only"
    if missing:
        gaps = {task: np.asarray(missing[task], dtype=np.float64) for task in sorted(was)}
        widest = widened(was, now, gaps, level)
        low, high = min(low, widest[0]), max(high, widest[1])
        method += "; some scores are missing"
    return CapabilityLoss(estimate, low, high, method, seeds, questions)


def _by_task(scores: Scores, side: str) -> dict[str, Array]:
    items = scores if isinstance(scores, Mapping) else {"": scores}
    arrays = {task: np.atleast_2d(np.asarray(values, float)) for task, values in items.items()}
    for task, array in arrays.items():
        where = f"{side} {task}".strip()
        if array.ndim != 2:
            raise ValueError(f"{where}: scores must be [seeds, questions], got {array.shape}")
        if array.size == 0:
            raise ValueError(f"{where}: capability scores are empty")
        if ((array < 0.0) | (array > 1.0)).any():
            raise ValueError(f"{where}: scores must lie in [0, 1]")
    return arrays


def _drop(before: Array, after: Array, task: str) -> Array:
    """Paired differences [seeds, questions]."""
    if before.shape[1] != after.shape[1] or before.shape[0] not in (1, after.shape[0]):
        name = f"{task}: " if task else ""
        raise ValueError(f"{name}shapes do not pair: {before.shape} before, {after.shape} after")
    return before - after


def question_half_widths(drop: Array, level: float) -> tuple[float, float]:
    """What the choice of questions adds below and above the mean of ``drop`` [seeds, questions].

    Where next to no question changed there is no variance to go by. Then the shares of questions
    that dropped and that rose get Clopper-Pearson intervals, combined as Newcombe does for a paired
    difference (Stat. Med. 17 (1998) 2635), and the wider of the two ways is kept.
    """
    seeds, questions = drop.shape
    if seeds == 1:
        half = t_half_width(drop[0], level)
    else:
        half = t_quantile(level, questions - 1) * math.sqrt(crossed_components(drop)[1])
    fell = float(np.maximum(drop, 0.0).mean())
    rose = float(np.maximum(-drop, 0.0).mean())
    if (fell + rose) * questions >= FEW_EVENTS:
        return half, half
    fell_low, fell_high = clopper_pearson(fell, questions, level)
    rose_low, rose_high = clopper_pearson(rose, questions, level)
    below = math.hypot(fell - fell_low, rose_high - rose)
    above = math.hypot(fell_high - fell, rose - rose_low)
    return max(half, below), max(half, above)
