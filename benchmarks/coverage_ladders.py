"""Whole ladders with a known truth: the headline and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.coverage_scenarios import WINDOW, Scenario
from mobench.score.intervals import Array
from mobench.score.plateau import rate_interval
from mobench.score.power import Design, power, simulated_organisms
from mobench.score.resistance import Rung, resistance
from mobench.score.simulation import Noise, beta_levels, draw_outcomes


@dataclass(frozen=True)
class HeadlineCase:
    """Bias and coverage of resistance, the lowest retention of several rungs.

    Attributes:
        shape: ``equal``; ``spaced`` by 0.03; ``one`` lower by 0.3; ``near``: one lower by 0.1.
        rungs: Admissible rungs.
        seeds: Training seeds.
        sd: Between seeds.
    """

    shape: str
    rungs: int
    seeds: int
    sd: float

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return asdict(self)

    def _means(self) -> Array:
        base = {"equal": 0.6, "spaced": 0.5, "one": 0.8, "near": 0.6}[self.shape]
        means = np.full(self.rungs, base)
        if self.shape == "spaced":
            means += 0.03 * np.arange(self.rungs)
        if self.shape in ("one", "near"):
            means[self.rungs // 2] -= {"one": 0.3, "near": 0.1}[self.shape]
        return means

    def run(self, replicates: int) -> dict[str, Any]:
        """Three ways to say the lowest, on the same draws."""
        rng = np.random.default_rng([self.rungs, self.seeds, round(100 * self.sd), len(self.shape)])
        noise, prompts = Noise(), 100
        means = self._means()
        levels = [beta_levels(mean, self.sd) for mean in means]
        lowest = float(means.min())
        errors: dict[str, list[float]] = {"fitted": [], "chosen": [], "plain": []}
        covered = {"kept": 0, "chosen": 0, "both": 0, "split": 0}
        widths: dict[str, list[float]] = {"kept": [], "both": [], "split": []}
        for _ in range(replicates):
            arrays = [
                draw_outcomes(take(rng, self.seeds), WINDOW, prompts, noise, rng)[0]
                for take in levels
            ]
            ladder = [Rung(10.0**i, array, "yes") for i, array in enumerate(arrays)]
            found = resistance(ladder, window=1.0).headline
            assert found.estimate is not None
            assert found.low is not None
            assert found.high is not None
            table = np.array([array.mean(axis=(1, 2)) for array in arrays])
            target = self._target(table, means)
            errors["fitted"].append(found.estimate - lowest)
            errors["chosen"].append(found.estimate - target)
            errors["plain"].append(float(table.mean(axis=1).min()) - lowest)
            covered["kept"] += found.low <= lowest <= found.high
            covered["chosen"] += found.low <= target <= found.high
            widths["kept"].append(found.high - found.low)
            for name, (low, high) in {
                "both": _bonferroni(arrays),
                "split": _split_interval(arrays),
            }.items():
                covered[name] += low <= lowest <= high
                widths[name].append(high - low)
        return {
            **{f"bias_{name}": float(np.mean(values)) for name, values in errors.items()},
            **{f"coverage_{name}": count / replicates for name, count in covered.items()},
            **{f"width_{name}": float(np.mean(values)) for name, values in widths.items()},
        }

    def _target(self, table: Array, means: Array) -> float:
        """True rate at the rungs that the other seeds choose, averaged as the estimate is."""
        picked = [
            means[int(np.argmin(np.delete(table, seed, axis=1).mean(axis=1)))]
            for seed in range(self.seeds)
        ]
        return float(np.mean(picked))


@dataclass(frozen=True)
class VerdictCase:
    """How often a simulated organism gets each verdict.

    Attributes:
        organism: Index into `mobench.score.power.simulated_organisms`.
        seeds: Training seeds.
        prompts: Eval prompts.
    """

    organism: int
    seeds: int
    prompts: int

    def facts(self) -> dict[str, Any]:
        """The scenario, with the organism's name and truth."""
        chosen = simulated_organisms()[self.organism]
        return {
            "world": chosen.name,
            "truth": chosen.truth,
            "seeds": self.seeds,
            "prompts": self.prompts,
        }

    def run(self, replicates: int) -> dict[str, Any]:
        """Share of each verdict."""
        design = Design(
            rungs=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
            standard_lr=1e-3,
            seeds=self.seeds,
            prompts=self.prompts,
            checkpoints=(1, 2, 4, 8, 16, 32, 64, 72, 80, 88, 96, 104, 112, 120, 128),
            questions=(140, 64),
        )
        return {"said": power(simulated_organisms()[self.organism], design, replicates=replicates)}


def _bonferroni(arrays: Sequence[Array]) -> tuple[float, float]:
    """The lowest of all bounds, both sides corrected: what is usually done."""
    level = 1 - 0.05 / len(arrays)
    found = [rate_interval(array, level=level) for array in arrays]
    return min(f.low for f in found if f), min(f.high for f in found if f)


def _split_interval(arrays: Sequence[Array]) -> tuple[float, float]:
    """The rung chosen on the first seed and its interval from the others."""
    best = int(np.argmin([array[0].mean() for array in arrays]))
    found = rate_interval(arrays[best][1:], level=0.95)
    assert found is not None
    return found.low, found.high


def headline_cases() -> list[Scenario]:
    """Ladders of several shapes."""
    return [
        HeadlineCase(shape, rungs, seeds, sd)
        for shape in ("equal", "spaced", "one", "near")
        for rungs in (3, 4, 6)
        for seeds in (3, 5)
        for sd in (0.02, 0.08, 0.15)
    ]


def verdict_cases() -> list[Scenario]:
    """Every organism at sizes a researcher would choose between."""
    return [
        VerdictCase(organism, seeds, prompts)
        for organism in range(len(simulated_organisms()))
        for seeds in (3, 5, 10)
        for prompts in (30, 100, 400)
    ]
