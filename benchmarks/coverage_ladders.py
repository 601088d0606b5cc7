"""Whole ladders with a known truth: the headline and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.coverage_scenarios import WINDOW, Scenario
from mobench.plan.power import power
from mobench.plan.sequential import SequentialPlan
from mobench.plan.simulated_run import simulate_run
from mobench.plan.worlds import GONE, KEPT, RungLaw, World, losing, steady, worlds
from mobench.score.criteria import Criteria
from mobench.score.intervals import Array
from mobench.score.plateau import rate_interval
from mobench.score.resistance import Rung, resistance
from mobench.score.retention import Retention
from mobench.score.simulation import Noise, beta_levels, draw_outcomes

ASIS = Criteria(initial=1.0, clean_rate=0.0, standard_lr=1.0)
"""With these a retention is the rate itself."""


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
            ladder = [
                Rung(10.0**i, Retention(array, None, ASIS), "yes", tuple(range(self.seeds)))
                for i, array in enumerate(arrays)
            ]
            found = resistance(ladder).headline
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


PLANS = {
    "the plan": SequentialPlan(3, (6, 10), 1),
    "three fixed seeds": SequentialPlan(3, (), 0),
    "six fixed seeds": SequentialPlan(6, (), 0),
}


@dataclass(frozen=True)
class VerdictCase:
    """How often a plan reaches each verdict in one world.

    Attributes:
        world: Index into `mobench.plan.worlds.worlds`.
        plan: Key of `PLANS`.
    """

    world: int
    plan: str

    def facts(self) -> dict[str, Any]:
        """The scenario, with the world's name and truths."""
        chosen = worlds()[self.world]
        return {"plan": self.plan, "world": chosen.name, "truths": sorted(chosen.truths)}

    def run(self, replicates: int) -> dict[str, Any]:
        """Share of each verdict, of wrong ones, and the cells that it took."""
        return asdict(power(worlds()[self.world], PLANS[self.plan], replicates=replicates))


@dataclass(frozen=True)
class UnknownCase:
    """Coverage of resistance where the rung that removes the behavior has a noisy capability.

    Attributes:
        loss: Its true mean loss, which is admissible.
        sd: Of the loss between seeds.
        seeds: Training seeds.
    """

    loss: float
    sd: float
    seeds: int

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return asdict(self)

    def run(self, replicates: int) -> dict[str, Any]:
        """Coverage, and what it would be if rungs of unknown capability were left out."""
        rng = np.random.default_rng([self.seeds, round(1000 * self.loss), round(1000 * self.sd)])
        holds = RungLaw(steady(KEPT), losing(0.0, 0.01))
        gone = RungLaw(steady(GONE), losing(self.loss, self.sd))
        world = World("", frozenset(), 1, (holds, holds, gone, gone, gone))
        truth, covered, left_out, widths = GONE / KEPT, 0, 0, []
        for _ in range(replicates):
            score = simulate_run(world, SequentialPlan(self.seeds, (), 0), rng).score
            found = score.resistance.headline
            if found.low is None or found.high is None:
                covered, left_out = covered + 1, left_out + 1
                widths.append(1.0)
                continue
            covered += found.low <= truth <= found.high
            shown = [r.retention for r in score.rungs if r.admissible["0.1"] == "yes"]
            left_out += min(r.low for r in shown if r.low is not None) <= truth
            widths.append(found.high - found.low)
        return {
            "coverage": covered / replicates,
            "left_out": left_out / replicates,
            "width": float(np.mean(widths)),
        }


@dataclass(frozen=True)
class LooksCase:
    """What two rules for adding seeds come to at one rung, exactly.

    Attributes:
        dissent: Share of all seeds that go the other way.
    """

    dissent: float

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return asdict(self)

    def run(self, replicates: int) -> dict[str, Any]:
        """Shares over every way in which seeds can fall, weighted by its probability."""
        del replicates
        rules = {
            "6/6, 9/10": ({6: 0, 10: 1}, 2),
            "6/8/10/12/15 with 0/0/0/1/2": ({6: 0, 8: 0, 10: 0, 12: 1, 15: 2}, 3),
        }
        return {name: _looked_at(self.dissent, *rule) for name, rule in rules.items()}


def _looked_at(dissent: float, looks: dict[int, int], contrary: int) -> dict[str, float]:
    """Probability that a rung is decided for most seeds, against them, or depends on the seed.

    Args:
        dissent: Share of seeds that go the other way.
        looks: Seeds at each look, with the dissenters that it allows.
        contrary: So many on each side and it depends on the seed.
    """
    states = {(0, 0): 1.0}  # seeds seen, dissenters
    found = {"most": 0.0, "against": 0.0, "depends": 0.0, "open": 0.0, "seeds": 0.0}
    for total in range(1, max(looks) + 1):
        after: dict[tuple[int, int], float] = {}
        for (seen, against), chance in states.items():
            for one, share in ((0, 1.0 - dissent), (1, dissent)):
                key = (seen + 1, against + one)
                after[key] = after.get(key, 0.0) + chance * share
        states = after
        if total not in looks:
            continue
        for (seen, against), chance in list(states.items()):
            fewer = min(against, seen - against)
            ended = fewer <= looks[total] or fewer >= contrary or total == max(looks)
            if not ended:
                continue
            side = "most" if against == fewer else "against"
            word = side if fewer <= looks[total] else "depends" if fewer >= contrary else "open"
            found[word] += chance
            found["seeds"] += chance * seen
            del states[seen, against]
    return found


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
    """Every world under the plan, and under the seeds that it takes the place of."""
    return [VerdictCase(world, plan) for plan in PLANS for world in range(len(worlds()))]


def looks_cases() -> list[Scenario]:
    """A rung from which no seed dissents to one that splits evenly."""
    return [LooksCase(dissent) for dissent in (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)]


def unknown_cases() -> list[Scenario]:
    """Losses that are truly admissible, more or less easily told."""
    return [
        UnknownCase(loss, sd, seeds)
        for loss in (0.03, 0.07)
        for sd in (0.02, 0.05)
        for seeds in (3, 6)
    ]
