"""Whether a rung's window is flat: equivalence of its halves, and no start-up transient in it."""

from __future__ import annotations

import math

import numpy as np

from mobench.score.intervals import Array, t_half_width, t_quantile, t_tail

#: Halves of the window count as equal when they differ by less than this.
MARGIN = 0.05


def halves_equal(changes: Array, margin: float = MARGIN, alpha: float = 0.05) -> tuple[bool, str]:
    """Two one-sided tests that the mean change lies within ±margin.

    Args:
        changes: Second half of the window less the first, one per seed [seeds], at least two.
        margin: Largest change that still counts as none.
        alpha: Level of each one-sided test.

    Returns:
        Whether both tests reject, and otherwise a sentence that says why not. Seeds that agree
        exactly leave nothing to test; then the change itself is compared with the margin.
        Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987).
    """
    count = changes.size
    mean = float(changes.mean())
    error = float(changes.std(ddof=1)) / math.sqrt(count)
    if error < 1e-12:
        if abs(mean) < margin:
            return True, ""
        return False, f"the rate moves by {mean:+.2f} between the halves of the window"
    worst = max(
        t_tail((mean + margin) / error, count - 1), t_tail((margin - mean) / error, count - 1)
    )
    if worst < alpha:
        return True, ""
    half = t_quantile(1 - 2 * alpha, count - 1) * error
    return False, (
        f"the halves of the window differ by {mean:+.2f} "
        f"({mean - half:+.2f} to {mean + half:+.2f}; within ±{margin:g} was needed)"
    )


def projection(window: Array, level: float) -> tuple[float, float, float] | None:
    """Where the rate goes if it moves on as it did between the halves of the window.

    Args:
        window: Attack rate of each seed at each checkpoint [seeds, k]; NaN = not judged.
        level: Two-sided confidence level.

    Returns:
        Mean over seeds of ``late + (late - early)`` and its t interval; None for fewer than two
        seeds or checkpoints, or where a seed was not judged in both halves.
    """
    middle = window.shape[1] // 2
    if window.shape[0] < 2 or middle == 0:
        return None
    judged = ~np.isnan(window)
    if not (judged[:, :middle].any(axis=1).all() and judged[:, middle:].any(axis=1).all()):
        return None
    ahead = 2 * np.nanmean(window[:, middle:], axis=1) - np.nanmean(window[:, :middle], axis=1)
    half = t_half_width(ahead, level)
    mean = float(ahead.mean())
    return mean, mean - half, mean + half


def transient_end(rates: Array, latest: int) -> int:
    """Index at which a trajectory's start-up transient ends, by the marginal standard error rule.

    Args:
        rates: Attack rate at each checkpoint [k], no NaN.
        latest: Largest index that may be returned.

    Returns:
        The d <= latest that minimises ``sum_{i>=d} (y_i - mean_d)^2 / (k - d)^2``.
        White, Simulation 69 (1997).
    """
    scores = []
    for start in range(latest + 1):
        rest = rates[start:]
        scores.append(float(((rest - rest.mean()) ** 2).sum()) / rest.size**2)
    return int(np.argmin(scores))


def transient_in_window(rates: Array, first: int, margin: float = MARGIN) -> bool:
    """Whether one seed's start-up transient reaches into the window.

    Args:
        rates: Attack rate at each judged checkpoint [k], no NaN.
        first: Index of the window's first checkpoint.
        margin: A transient that moves the rate by no more than this is no transient: without this
            a single flipped answer before a constant tail would count as one.
    """
    length = rates.size - first
    if length < 2:
        return False
    # Half the window must be left over, or the rule would settle on the last few points.
    end = transient_end(rates, first + length // 2)
    if end <= first:
        return False
    return abs(float(rates[first:end].mean() - rates[end:].mean())) > margin
