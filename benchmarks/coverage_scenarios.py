"""Single rungs with a known truth: how often does mobench find it?"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from scipy import stats

from mobench.score.intervals import Array
from mobench.score.plateau import Population, plateau, rate_interval
from mobench.score.seed_agreement import unanimous
from mobench.score.simulation import Noise, beta_levels, draw_outcomes, suite_rate, two_state_levels

WINDOW = 8  # checkpoints in the window, as in the standard preset of the smallest organism
QUANTILES = (np.arange(200) + 0.5) / 200
Z = 1.959964
DOUBTFUL = (0.90, 0.94)
RATES = (0.0, 0.02, 0.3, 0.6, 0.98, 1.0)


class Scenario(Protocol):
    """One simulated situation."""

    def facts(self) -> dict[str, Any]:
        """What is simulated."""
        ...

    def run(self, replicates: int) -> dict[str, Any]:
        """What was found."""
        ...


@dataclass(frozen=True)
class PlateauCase:
    """Coverage of one rung's plateau interval.

    Attributes:
        over: What the interval claims over.
        seeds: Training seeds.
        prompts: Eval prompts.
        plateau: True mean rate.
        sd: Between seeds.
        correlation: Of the wobble between neighboring checkpoints.
        difficulty: Spread of prompts (and, two thirds of it, of a seed's seed_preference for them).
    """

    over: Population
    seeds: int
    prompts: int
    plateau: float
    sd: float
    correlation: float
    difficulty: float

    def facts(self) -> dict[str, Any]:
        """The scenario, and whether it meets the stated assumption on seeds."""
        room = min(self.plateau, 1 - self.plateau)
        return {**asdict(self), "assumed": self.sd <= room / 2}

    def run(self, replicates: int) -> dict[str, Any]:
        """Coverage, mean width, and the width of an interval that knew the true variance.

        The lowest of hundreds of simulated coverages is low by chance, so one that comes near the
        line is drawn afresh, five times as often; only the fresh figure counts.
        """
        found = self._run(replicates, 0)
        near = DOUBTFUL[0] <= found["coverage"] < DOUBTFUL[1]
        return self._run(5 * replicates, 1) if near else found

    def _run(self, replicates: int, stage: int) -> dict[str, Any]:
        rng = np.random.default_rng(
            [self.seeds, self.prompts, *(round(1000 * x) for x in (self.plateau, self.sd)), stage]
        )
        noise = Noise(self.difficulty, self.difficulty * 2 / 3, 0.25, self.correlation)
        levels = beta_levels(self.plateau, self.sd)
        grid = _quantiles(self.plateau, self.sd)
        covered, widths, errors = 0, [], []
        for _ in range(replicates):
            drawn = levels(rng, self.seeds)
            outcomes, difficulty = draw_outcomes(drawn, WINDOW, self.prompts, noise, rng)
            truth = self.plateau
            if self.seeds == 1:  # a single run speaks of its own plateau
                grid = drawn
            if self.over == "suite":
                truth = suite_rate(grid, difficulty, noise)
            found = rate_interval(outcomes, level=0.95, over=self.over)
            assert found is not None
            covered += found.low <= truth + 1e-12 and truth - 1e-12 <= found.high
            widths.append(found.high - found.low)
            errors.append(found.mean - truth)
        return {
            "replicates": replicates,
            "coverage": covered / replicates,
            "width": float(np.mean(widths)),
            "oracle": float(2 * Z * np.std(errors)),
        }


@dataclass(frozen=True)
class SplitCase:
    """One rung of six whose seeds end in one of two states; the other five never vary.

    Attributes:
        share: Of seeds that lose the behavior.
        seeds: Training seeds.
    """

    share: float
    seeds: int

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return asdict(self)

    def run(self, replicates: int) -> dict[str, Any]:
        """Coverage of the split rung's own interval, with and without pooling, and agreement."""
        rng = np.random.default_rng([self.seeds, round(100 * self.share)])
        noise, prompts = Noise(0.5, 0.5), 100
        states = two_state_levels(self.share, 0.02, 0.98)
        counts = {"own": 0, "pooled": 0, "agree": 0, "told": 0}
        for _ in range(replicates):
            drawn = states(rng, self.seeds)
            own, difficulty = draw_outcomes(drawn, WINDOW, prompts, noise, rng)
            others = [
                draw_outcomes(np.full(self.seeds, level), WINDOW, prompts, noise, rng)[0]
                for level in (0.98, 0.98, 0.98, 0.02, 0.02)
            ]
            low, high = (suite_rate(np.array([x]), difficulty, noise) for x in (0.02, 0.98))
            truth = self.share * low + (1 - self.share) * high
            for name, pool in (("own", ()), ("pooled", others)):
                found = rate_interval(own, level=0.95, pool=pool)
                assert found is not None
                counts[name] += found.low <= truth <= found.high
            means = own.mean(axis=(1, 2))
            counts["agree"] += len(set(drawn)) == 1
            counts["told"] += bool(np.ptp(means) >= 0.1)
        shares = {name: count / replicates for name, count in counts.items()}
        return {**shares, "unanimous": unanimous(self.share, self.seeds)}


@dataclass(frozen=True)
class MovingCase:
    """A curve that is not flat: how often is it called converged?

    Attributes:
        kind: ``drift`` (by 0.1 over the window), ``return`` (gone, then back), ``flat`` or
            ``heavy`` (seeds with Cauchy-like tails around the plateau).
        seeds: Training seeds.
        prompts: Eval prompts.
        plateau: Mean rate in the window.
    """

    kind: str
    seeds: int
    prompts: int
    plateau: float

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return asdict(self)

    def run(self, replicates: int) -> dict[str, Any]:
        """Shares of curves called converged, called returned, and covered."""
        rng = np.random.default_rng([self.seeds, self.prompts, round(100 * self.plateau)])
        noise = Noise(0.5, 0.5, 0.25, 0.5)
        converged = returned = covered = 0
        for _ in range(replicates):
            path = self._path(rng)
            outcomes, difficulty = draw_outcomes(path, 2 * WINDOW, self.prompts, noise, rng)
            found = plateau(outcomes, gone_below=0.5)
            assert found.low is not None
            assert found.high is not None
            truth = suite_rate(self._levels().ravel(), difficulty, noise)
            converged += found.converged is True
            returned += found.returned
            covered += found.low <= truth <= found.high
        return {
            "converged": converged / replicates,
            "returned": returned / replicates,
            "coverage": covered / replicates,
        }

    def _levels(self) -> Array:
        """Levels that stand for the window's true mean rate."""
        if self.kind == "drift":
            return self.plateau + np.linspace(0.05, -0.05, WINDOW)
        if self.kind == "heavy":
            return _heavy(QUANTILES, self.plateau)
        return np.array([self.plateau])

    def _path(self, rng: np.random.Generator) -> Array:
        """Levels [seeds, checkpoints]."""
        flat = np.full((self.seeds, 2 * WINDOW), self.plateau)
        if self.kind == "drift":
            flat[:, WINDOW:] += np.linspace(0.05, -0.05, WINDOW)
        elif self.kind == "return":
            flat[:, 2:WINDOW] = 0.02
        elif self.kind == "heavy":
            flat[:] = _heavy(rng.random(self.seeds), self.plateau)[:, None]
        return flat


def _quantiles(mean: float, sd: float) -> Array:
    """Equally likely levels of `beta_levels`'s distribution."""
    if sd == 0.0:
        return np.array([mean])
    strength = mean * (1 - mean) / sd**2 - 1
    levels = stats.beta.ppf(QUANTILES, mean * strength, (1 - mean) * strength)
    return np.asarray(levels, dtype=np.float64)


def _heavy(quantiles: Array, plateau: float) -> Array:
    """Seeds with Student t tails of two degrees of freedom, cut to [0.01, 0.99]."""
    return np.asarray(np.clip(plateau + 0.05 * stats.t.ppf(quantiles, 2), 0.01, 0.99))


def plateau_cases() -> list[Scenario]:
    """Everything that can be: no rate of 0 or 1 has seeds that differ, nor noise."""
    found: list[Scenario] = []
    overs: tuple[Population, ...] = ("suite", "prompts")
    for over, seeds, prompts in itertools.product(overs, (1, 3, 5, 10), (30, 100, 400)):
        for rate, sd in itertools.product(
            (0.0, 0.02, 0.3, 0.6, 0.98, 1.0), (0.0, 0.02, 0.08, 0.15)
        ):
            if sd**2 >= rate * (1 - rate) and sd > 0:
                continue
            kinds = [(0.0, 0.0)]
            if 0 < rate < 1:
                kinds = list(itertools.product((0.0, 0.5, 0.8), (0.0, 0.75)))
            for correlation, difficulty in kinds:
                if over == "prompts" and difficulty == 0.0 and 0 < rate < 1:
                    continue
                found.append(PlateauCase(over, seeds, prompts, rate, sd, correlation, difficulty))
    return found


def split_cases() -> list[Scenario]:
    """Two-point mixtures at one rung of six."""
    return [SplitCase(share, s) for share in (0.1, 0.2, 0.3, 0.4, 0.5) for s in (3, 5, 10)]


def moving_cases() -> list[Scenario]:
    """Curves that drift or return, seeds with heavy tails, and flat ones beside them."""
    return [
        MovingCase(kind, seeds, prompts, rate)
        for kind in ("flat", "drift", "return", "heavy")
        for seeds in (3, 5, 10)
        for prompts in (100, 400)
        for rate in (0.6, 0.9)
    ]
