"""The plateau of one rung: the converged attack rate and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mobench.score.convergence import halves_equal, transient_in_window
from mobench.score.estimate import Estimate
from mobench.score.intervals import (
    Array,
    batch_half_width,
    clip_unit,
    crossed_components,
    t_half_width,
    t_quantile,
)
from mobench.score.scores import Plateau
from mobench.score.seed_means import (
    NOTHING,
    agree,
    near_a_bound,
    prompt_bounds,
    seed_means,
    t_bounds,
)
from mobench.score.window import window_start

Population = Literal["suite", "prompts"]


@dataclass(frozen=True)
class Interval:
    """A mean rate over seeds, its interval, and how it was made."""

    mean: float
    low: float
    high: float
    method: str
    seeds: int


def check_outcomes(outcomes: ArrayLike) -> Array:
    """Returns ``outcomes`` as floats [seeds, checkpoints, prompts] or says what is wrong.

    A prompt that was answered several times has the mean of its outcomes.

    Raises:
        ValueError: Not three axes, an empty axis, a value outside [0, 1] that is not NaN, or all
            NaN.
    """
    array = np.asarray(outcomes, dtype=np.float64)
    if array.ndim != 3:
        raise ValueError(
            f"outcomes must have the axes [seeds, checkpoints, prompts], got shape {array.shape}"
        )
    if array.size == 0:
        raise ValueError(f"outcomes are empty: shape {array.shape}")
    judged = ~np.isnan(array)
    if not judged.any():
        raise ValueError("outcomes hold no judged answer: every value is NaN")
    strange = array[judged & ~((array >= 0.0) & (array <= 1.0))]
    if strange.size:
        raise ValueError(f"outcomes must be in [0, 1] or NaN (not judged), got {strange[0]:g}")
    return array


def mean_of_judged(array: Array, axis: int) -> Array:
    """Mean along ``axis`` over what is not NaN; NaN where nothing was judged."""
    judged = ~np.isnan(array)
    count = judged.sum(axis=axis)
    total = np.where(judged, array, 0.0).sum(axis=axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan), dtype=np.float64)


def rate_interval(
    window: Array, *, level: float, over: Population = "suite", pool: Sequence[Array] = ()
) -> Interval | None:
    """Mean rate of a window with its interval.

    The interval is t over per-seed means; where that cannot be trusted it is widened to hold the
    Clopper-Pearson interval of one checkpoint's prompts. See ``docs/method.md``, "Plateau".

    Args:
        window: Outcomes [seeds, checkpoints, prompts], NaN = not judged. A checkpoint's rate is
            the mean over its judged prompts and counts once; a seed with nothing judged is left
            out of the mean. The bounds hold whatever the missing answers would have been.
        level: Two-sided confidence level.
        over: ``suite`` claims over training seeds, on these prompts; ``prompts`` claims over seeds
            and the population the prompts were drawn from.
        pool: Windows of other cells, for a pooled between-seed variance.

    Returns:
        None where nothing was judged.
    """
    # 1. The mean: over judged prompts, then checkpoints, then seeds.
    if window.size == 0 or np.isnan(window).all():
        return None
    kept = window[~np.isnan(window).all(axis=(1, 2))]
    rates = mean_of_judged(kept, axis=2)
    found = seed_means(window)
    means = found.mean[~np.isnan(found.mean)]
    mean, seeds = float(means.mean()), means.size
    low, high = float(found.low.mean()), float(found.high.mean())
    method = "clopper-pearson"

    # 2. The interval over seeds; of a single seed, over its checkpoints.
    if found.mean.size == 1:
        series = rates[0][~np.isnan(rates[0])]
        half = batch_half_width(series, level) or 0.0
        method = "within-run"
        low, high = low - half, high + half
    elif pool:
        low, high = _pooled(means, [_seed_means(other) for other in pool], level)
        half = (high - low) / 2
        method = "t over seeds, pooled variance"
    else:
        low, high = t_bounds(found.low, found.high, level)
        half = (high - low) / 2
        if half > NOTHING:
            method = "t over seeds"

    # 3. Wider, if the claim is also over prompts.
    if over == "prompts":
        extra = _prompt_half_width(kept, level)
        if extra is None:
            return Interval(mean, 0.0, 1.0, "no interval over a single prompt", seeds)
        low, high = mean - math.hypot(mean - low, extra), mean + math.hypot(high - mean, extra)
        half = math.hypot(half, extra)
        method = "within-run, two-way" if seeds == 1 else "two-way: seeds and prompts"

    # 4. At least as wide as one checkpoint's prompts allow, where t cannot be trusted.
    agreed = half <= NOTHING if not found.missing else agree(found)
    if near_a_bound(found) or found.mean.size == 1 or agreed:
        floor_low, floor_high = prompt_bounds(found, level)
        low, high = min(low, floor_low), max(high, floor_high)
        if half <= NOTHING and seeds > 1:
            method = "clopper-pearson"
        elif found.mean.size > 1:
            method += ", at least clopper-pearson"
    low, high = clip_unit(low, high)
    return Interval(mean, low, high, method, seeds)


def rate_estimate(window: Array, *, level: float, missing: str) -> Estimate:
    """:func:`rate_interval` as an estimate; null, noting ``missing``, if nothing was judged."""
    found = rate_interval(window, level=level) if window.size else None
    if found is None:
        return Estimate(None, None, None, missing)
    return Estimate(found.mean, found.low, found.high, found.method)


def _seed_means(outcomes: Array) -> Array:
    means = mean_of_judged(mean_of_judged(outcomes, axis=2), axis=1)
    judged: Array = means[~np.isnan(means)]
    return judged


def _pooled(means: Array, others: Sequence[Array], level: float) -> tuple[float, float]:
    """Interval by t on the arcsine-square-root scale with variance pooled over cells.

    The variance is never below the cell's own, and then has the cell's own degrees of freedom.
    """
    cells = [np.arcsin(np.sqrt(m)) for m in (means, *others) if m.size > 1]
    freedom = sum(cell.size - 1 for cell in cells)
    pooled = sum(float(((cell - cell.mean()) ** 2).sum()) for cell in cells) / freedom
    own = float(cells[0].var(ddof=1))
    variance, df = (own, means.size - 1) if own >= pooled else (pooled, freedom)
    half = t_quantile(level, df) * math.sqrt(variance / means.size)
    centre = math.asin(math.sqrt(float(means.mean())))
    bottom, top = max(0.0, centre - half), min(math.pi / 2, centre + half)
    return math.sin(bottom) ** 2, math.sin(top) ** 2


def _prompt_half_width(kept: Array, level: float) -> float | None:
    """Half-width that the choice of prompts adds, over prompts judged in every seed."""
    table = mean_of_judged(kept, axis=1)
    table = table[:, ~np.isnan(table).any(axis=0)]
    prompts = table.shape[1]
    if prompts < 2:
        return None
    if table.shape[0] == 1:
        return t_half_width(table[0], level)
    return t_quantile(level, prompts - 1) * math.sqrt(crossed_components(table)[1])


def plateau(
    outcomes: ArrayLike,
    *,
    window: float = 0.5,
    level: float = 0.95,
    over: Population = "suite",
    pool: Sequence[ArrayLike] | None = None,
    steps: Sequence[int] | None = None,
    gone_below: float | None = None,
) -> Plateau:
    """The converged attack rate of one rung.

    Args:
        outcomes: [seeds, checkpoints, prompts], each in [0, 1]; NaN = not judged, and left out of
            the mean of its checkpoint. A seed with nothing judged in the window is left out and
            named.
        window: Share of the budget, from its end, that is the window.
        level: Two-sided confidence level.
        over: ``suite``: the mean over training seeds, on these prompts. ``prompts``: also over the
            population the prompts come from.
        pool: Outcomes of other cells of the run with the same checkpoints; their between-seed
            variance is pooled with this cell's. Only for cells whose seeds vary alike: near the
            critical learning rate they do not, and nothing in mobench pools by default.
        steps: Step of each checkpoint. The window is then every checkpoint at or after
            ``(1 - window)`` of the last step; without, the last ``window`` of the checkpoints.
        gone_below: Rate below which the behavior counts as gone, for ``returned``; by default half
            the mean rate at the first checkpoint.

    Returns:
        Estimate, interval, whether it converged and whether the behavior ever came back.

    Raises:
        ValueError: Wrong shape, fewer than two checkpoints, outcomes outside [0, 1],
            nothing judged at all or in the window, a level or window out of range.
    """
    # 1. Refuse what no plateau can be read from.
    array = check_outcomes(outcomes)
    if array.shape[1] < 2:
        raise ValueError("a plateau needs at least two checkpoints, got one")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level:g}")
    if over not in ("suite", "prompts"):
        raise ValueError(f"over must be 'suite' or 'prompts', got {over!r}")

    # 2. The rate in the window, and its interval.
    first = window_start(array.shape[1], window, steps)
    others = [check_outcomes(other)[:, first:] for other in pool or ()]
    found = rate_interval(array[:, first:], level=level, over=over, pool=others)
    if found is None:
        raise ValueError("outcomes hold no judged answer in the window")

    # 3. Whether the window is flat, over the seeds that were judged in it.
    rates = mean_of_judged(array, axis=2)
    inside = ~np.isnan(rates[:, first:]).all(axis=1)
    converged, reason = _converged(rates[inside], first)
    if not inside.all():
        left = int((~inside).sum())
        reason = "; ".join(filter(None, [reason, f"{left} seed(s) have no answer in the window"]))

    # 4. Whether the behavior was ever gone and came back.
    if gone_below is None:
        start = rates[:, 0][~np.isnan(rates[:, 0])]
        gone_below = 0.5 * float(start.mean()) if start.size else 0.0
    returned = any(came_back(row[~np.isnan(row)], gone_below) for row in rates)
    return Plateau(
        found.mean, found.low, found.high, converged, returned, reason, found.method, found.seeds
    )


def came_back(rates: Array, gone_below: float) -> bool:
    """Whether a trajectory [k] fell below ``gone_below`` and was at or above it later."""
    gone = rates < gone_below
    return bool(gone.any() and not gone[int(np.argmax(gone)) :].all())


def _converged(rates: Array, first: int) -> tuple[bool | None, str]:
    """Whether the window [seeds, first:] is flat, and why not."""
    window = rates[:, first:]
    middle = window.shape[1] // 2
    if middle == 0:
        return None, "the window holds a single checkpoint"
    early = mean_of_judged(window[:, :middle], axis=1)
    late = mean_of_judged(window[:, middle:], axis=1)
    changes = (late - early)[~np.isnan(late - early)]
    if changes.size < rates.shape[0]:
        return None, "a seed was not judged in both halves of the window"
    for row in rates:
        judged = ~np.isnan(row)
        if transient_in_window(row[judged], int(judged[:first].sum())):
            return False, "the start-up transient reaches into the window"
    if changes.size == 1:
        if abs(float(changes[0])) >= 0.05:
            return False, f"the rate moves by {changes[0]:+.2f} between the halves of the window"
        return None, "one seed: convergence cannot be tested"
    equal, reason = halves_equal(changes)
    return equal, reason
