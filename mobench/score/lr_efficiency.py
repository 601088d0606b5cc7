"""LR efficiency: how much more a high learning rate removes than the rate alone explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mobench.score.scores import Efficiency, Removal

#: The source's claim: at an N times lower learning rate, 6·N·S steps do not remove the behavior.
CLAIMED_EFFICIENCY = 6.0
STRONG_EFFICIENCY = 50.0


def efficiency(
    low: Sequence[Removal],
    high: Sequence[Removal],
    lr_low: float,
    lr_high: float,
    *,
    budget_low: int | None = None,
) -> Efficiency:
    """Returns the LR efficiency between two rungs, ``E = (S_low / S_high) / (lr_high / lr_low)``.

    Each rung's removal step is only known to lie in an interval, and differs by seed; the bounds
    hold for every pair of seeds: the earliest possible step of one rung over the latest possible
    step of the other.

    Args:
        low: Removals of the low rung's seeds.
        high: Removals of the high rung's seeds.
        lr_low: The lower learning rate.
        lr_high: The higher one; ``N = lr_high / lr_low``.
        budget_low: Steps the low rung was given; by default the last checkpoint of its censored
            runs, and unknown if every run was removed.

    Returns:
        Bounds of E. Without an upper bound where a low run is censored (``lower_bound_only``) or a
        high run was removed by its first step; without a lower bound where a high run is censored.

    Raises:
        ValueError: No removals, or learning rates that are not positive and rising.
    """
    if not low or not high:
        raise ValueError("efficiency needs at least one removal of each rung")
    if not 0.0 < lr_low < lr_high:
        raise ValueError(f"learning rates must be positive and rise, got {lr_low:g}, {lr_high:g}")

    # 1. Bounds of E.
    ratio = lr_high / lr_low
    open_low = any(item.censored for item in low)
    latest_high = _latest(high)
    latest_low = _latest(low)
    bottom = None if latest_high is None else _earliest(low) / latest_high / ratio
    first = _earliest(high)
    top = None if latest_low is None or first == 0 else latest_low / first / ratio

    # 2. Whether the low rung was given the 6·N·S steps of the claim.
    needed = None if latest_high is None else CLAIMED_EFFICIENCY * ratio * latest_high
    given = [item.low for item in low if item.censored and item.low is not None]
    budget = budget_low if budget_low is not None else min(given, default=None)
    reached = None if needed is None or budget is None else bool(budget >= needed * (1 - 1e-9))

    # 3. Which claim the lower bound supports.
    grade: Literal["none", "≥6", "≥50"] = "none"
    if bottom is not None and bottom >= CLAIMED_EFFICIENCY * (1 - 1e-9):
        grade = "≥50" if bottom >= STRONG_EFFICIENCY * (1 - 1e-9) else "≥6"
    return Efficiency(bottom, top, open_low and bottom is not None, grade, needed, reached)


def _earliest(removals: Sequence[Removal]) -> int:
    """Returns the earliest possible removal step of any seed."""
    return min(item.low or 0 for item in removals)


def _latest(removals: Sequence[Removal]) -> int | None:
    """Returns the latest possible removal step of any seed; None if a seed is censored."""
    if any(item.censored for item in removals):
        return None
    return max(item.high or 0 for item in removals)
