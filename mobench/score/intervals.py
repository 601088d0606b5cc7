"""Interval arithmetic that the other files of this room share.

Only ``scipy.special`` is used, so importing this room stays quick; the tests compare every function
with scipy.stats and statsmodels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

#: A proportion with fewer expected successes or failures than this among one checkpoint's prompts
#: is too close to 0 or 1 for a symmetric t interval to be trusted alone.
FEW_EVENTS = 5.0


def t_quantile(level: float, df: float) -> float:
    """Two-sided Student t quantile: ``P(|T| <= q) = level`` with ``df`` degrees of freedom."""
    return float(special.stdtrit(df, (1.0 + level) / 2.0))


def t_tail(statistic: float, df: float) -> float:
    """Upper tail ``P(T > statistic)`` of Student's t."""
    return float(special.stdtr(df, -statistic))


def clopper_pearson(rate: float, trials: float, level: float) -> tuple[float, float]:
    """Exact (Clopper-Pearson) interval of a proportion.

    Args:
        rate: Observed share in [0, 1]. ``rate * trials`` need not be whole: an average over
            checkpoints of the same prompts is a fractional count.
        trials: Number of prompts.
        level: Two-sided confidence level.

    Returns:
        Lower and upper bound. Clopper & Pearson, Biometrika 26 (1934), in its beta form.
    """
    tail = (1.0 - level) / 2.0
    hits = rate * trials
    misses = trials - hits
    low = 0.0 if hits <= 0 else float(special.betaincinv(hits, misses + 1.0, tail))
    high = 1.0 if misses <= 0 else float(special.betaincinv(hits + 1.0, misses, 1.0 - tail))
    return low, high


def t_half_width(values: Array, level: float) -> float:
    """Half-width of the t interval for the mean of ``values`` [n], n >= 2."""
    count = values.size
    spread = float(np.std(values, ddof=1))
    return t_quantile(level, count - 1) * spread / math.sqrt(count)


def batch_half_width(series: Array, level: float) -> float | None:
    """Half-width for the mean of one autocorrelated series [k], by batch means with t.

    The series is cut into at most ten consecutive batches of two or more (of one when it is shorter
    than four); batch means are nearly independent where single values are not. Law, *Simulation
    Modeling and Analysis*, ch. 9.

    Returns:
        None for fewer than two values.
    """
    if series.size < 2:
        return None
    batches = min(10, max(2, series.size // 2))
    means = np.array([part.mean() for part in np.array_split(series, batches)])
    return t_half_width(means, level)


def crossed_components(table: Array) -> tuple[float, float]:
    """Variance of a mean over crossed random rows and columns, split in two.

    Args:
        table: Values [rows, columns], no NaN, at least two of each.

    Returns:
        ``(row_part, column_part)`` with ``Var(mean) = row_part + column_part``. With row-mean
        variance ``s_r^2``, column-mean variance ``s_c^2`` and residual mean square ``MS_e``:
        ``row_part = s_r^2 / R`` (it holds the interaction too) and
        ``column_part = max(0, s_c^2 - MS_e / R) / C``. This is the two-way random-effects ANOVA
        decomposition (Searle, Casella & McCulloch, *Variance Components*, ch. 4).
    """
    rows, columns = table.shape
    row_means = table.mean(axis=1)
    column_means = table.mean(axis=0)
    residual = table - row_means[:, None] - column_means[None, :] + table.mean()
    mean_square = float((residual**2).sum()) / ((rows - 1) * (columns - 1))
    row_part = float(row_means.var(ddof=1)) / rows
    column_part = max(0.0, float(column_means.var(ddof=1)) - mean_square / rows) / columns
    return row_part, column_part


def clip_unit(low: float, high: float) -> tuple[float, float]:
    """Cuts an interval of a rate to [0, 1]."""
    return max(0.0, low), min(1.0, high)
