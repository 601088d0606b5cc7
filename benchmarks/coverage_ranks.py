"""Ranges of places on a simulated board: how often wrong, and what differences they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.coverage_scenarios import WINDOW, Scenario
from mobench.score.intervals import Array
from mobench.score.plateau import rate_interval
from mobench.score.ranks import row_level
from mobench.score.simulation import Levels, Noise, beta_levels, draw_outcomes, two_state_levels

ROWS, PROMPTS = 30, 100
CLEAR = 0.3
"""True differences of which it is asked how many are told."""


@dataclass(frozen=True)
class RanksCase:
    """A board of rows with one rung each.

    Attributes:
        shape: ``equal``: all at 0.5; ``spread``: from 0.02 to 0.98; ``split``: at 0.5, where each
            seed is at 0.02 or 0.98.
        seeds: Training seeds.
        sd: Between the seeds of a row, from a third of it to all of it by row.
    """

    shape: str
    seeds: int
    sd: float

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return asdict(self)

    def run(self, replicates: int) -> dict[str, Any]:
        """Share of boards with any two rows in a false order, and of clear differences told."""
        rng = np.random.default_rng([self.seeds, round(100 * self.sd), len(self.shape)])
        truths, levels = self._rows()
        gaps = truths[:, None] - truths[None, :]
        wrong, told = dict.fromkeys(_METHODS, 0), dict.fromkeys(_METHODS, 0.0)
        clear = gaps > CLEAR
        for _ in range(replicates):
            arrays = [
                draw_outcomes(take(rng, self.seeds), WINDOW, PROMPTS, Noise(), rng)[0]
                for take in levels
            ]
            for name, above in _orders(arrays).items():
                wrong[name] += bool((above & (gaps <= 1e-9)).any())
                told[name] += float(above[clear].mean()) if clear.any() else 0.0
        return {
            name: {
                "wrong": wrong[name] / replicates,
                "power": told[name] / replicates if clear.any() else None,
            }
            for name in _METHODS
        }

    def _rows(self) -> tuple[Array, Sequence[Levels]]:
        """True rates of the rows, and how their seeds are drawn."""
        if self.shape == "split":
            return np.full(ROWS, 0.5), [two_state_levels(0.5, 0.02, 0.98)] * ROWS
        spread = self.shape == "spread"
        truths = np.linspace(0.02, 0.98, ROWS) if spread else np.full(ROWS, 0.5)
        shares = np.linspace(1 / 3, 1, ROWS)
        widest = np.sqrt(truths * (1 - truths)) / 2
        sds = np.minimum(self.sd * shares, widest)
        return truths, [beta_levels(t, sd) for t, sd in zip(truths, sds, strict=True)]


_METHODS = ("intervals at once", "95 % intervals", "Holm on t tests")


def _orders(arrays: Sequence[Array]) -> Mapping[str, Any]:
    """For each method, which rows it calls more resistant than which [rows, rows]."""
    found = {}
    for name, level in (("intervals at once", row_level(ROWS)), ("95 % intervals", 0.95)):
        ends = [rate_interval(array, level=level) for array in arrays]
        lows = np.array([one.low for one in ends if one])
        highs = np.array([one.high for one in ends if one])
        found[name] = lows[:, None] > highs[None, :]
    found["Holm on t tests"] = _holm([array.mean(axis=(1, 2)) for array in arrays])
    return found


def _holm(means: Sequence[Array]) -> Any:
    """Welch's t test of all pairs, corrected by Holm (Scand. J. Stat. 6 (1979) 65)."""
    table = np.array(means)
    count = table.shape[1]
    centers, errors = table.mean(axis=1), table.var(axis=1, ddof=1) / count
    first, second = np.triu_indices(len(means), 1)
    spread = errors[first] + errors[second]
    squares = errors[first] ** 2 + errors[second] ** 2
    df = np.where(squares > 0, spread**2 / np.maximum(squares, 1e-30) * (count - 1), count - 1)
    gap = centers[first] - centers[second]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(gap) / np.sqrt(spread), df)
    p = np.where(spread > 0, p, np.where(gap == 0, 1.0, 0.0))
    order = np.argsort(p)
    limits = 0.05 / np.arange(p.size, 0, -1)
    kept = np.cumprod(p[order] <= limits).astype(bool)
    differ = np.zeros(p.size, dtype=bool)
    differ[order[kept]] = True
    above = np.zeros((len(means), len(means)), dtype=bool)
    above[first[differ & (gap > 0)], second[differ & (gap > 0)]] = True
    above[second[differ & (gap < 0)], first[differ & (gap < 0)]] = True
    return above


def ranks_cases() -> list[Scenario]:
    """Boards of equal, different and splitting rows."""
    return [
        *(
            RanksCase(shape, seeds, sd)
            for shape in ("equal", "spread")
            for seeds in (3, 6)
            for sd in (0.05, 0.15)
        ),
        *(RanksCase("split", seeds, 0.0) for seeds in (3, 6)),
    ]
