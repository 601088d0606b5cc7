"""Boards with a known truth: how often are rows put in a wrong order, and how often in any?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.coverage_ladders import ASIS, PLANS
from benchmarks.coverage_scenarios import WINDOW, Scenario
from benchmarks.pairwise_ranks import Above, Row, apart, holm
from mobench.plan.simulated_run import Measured, simulate_run
from mobench.plan.worlds import GONE, KEPT, RungLaw, World, losing, parting, steady
from mobench.score.estimate import Estimate
from mobench.score.ladder_score import resistance_of
from mobench.score.ranks import row_level
from mobench.score.retention import Retention
from mobench.score.simulation import Levels, Noise, beta_levels, draw_outcomes, two_state_levels

ROWS = 30
PROMPTS = 100
FAR = 0.3
"""True differences from which on a board should tell rows apart."""
SPREADS = (0.02, 0.05, 0.10, 0.15)
NOISE = Noise(seed_preference=0.5, correlation=0.5)


@dataclass(frozen=True)
class SimulatedRow:
    """One row of a simulated board.

    Attributes:
        truth: Its true lowest retention.
        usual: Its headline at 0.95.
        together: The same at the level at which all rows of the board hold together.
        by_seed: The headline of each seed.
    """

    truth: float
    usual: Estimate
    together: Estimate
    by_seed: Mapping[int, float]


@dataclass(frozen=True)
class RankCase:
    """Boards whose rows have one rung, known to be admissible.

    Attributes:
        shape: ``equal`` rows; ``spread`` evenly; in three ``groups``; ``some split``: spread evenly
            but for five whose seeds part; ``half split``: half of the rows have seeds that part,
            the others the same means without.
        seeds: Training seeds at each rung.
    """

    shape: str
    seeds: int

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return {"board": self.shape, "plan": f"{self.seeds} seeds"}

    def run(self, replicates: int) -> dict[str, Any]:
        """Wrong orders and power of three rules on the same boards."""
        rng = np.random.default_rng([self.seeds, *self.shape.encode()])
        laws = row_laws(self.shape)
        return compare(lambda: [_row(law, self.seeds, rng) for law in laws], replicates)


@dataclass(frozen=True)
class LadderRankCase:
    """Boards of whole simulated runs, capability and added seeds included.

    A row is drawn from the simulated runs of its kind, of which there are a tenth as many as
    boards, none twice on a board.

    Attributes:
        plan: Key of `benchmarks.coverage_ladders.PLANS`.
    """

    plan: str

    def facts(self) -> dict[str, Any]:
        """The scenario."""
        return {"board": "ladders", "plan": self.plan}

    def run(self, replicates: int) -> dict[str, Any]:
        """Wrong orders and power of three rules on the same boards."""
        rng = np.random.default_rng([ROWS, *self.plan.encode()])
        kinds = whole_ladders()
        each = ROWS // len(kinds)
        pools = [self._pool(kind, max(2 * each, replicates // 10), rng) for kind in kinds]

        def draw() -> list[SimulatedRow]:
            return [
                pool[int(which)]
                for pool in pools
                for which in rng.choice(len(pool), each, replace=False)
            ]

        return compare(draw, replicates)

    def _pool(
        self, kind: tuple[World, float], count: int, rng: np.random.Generator
    ) -> list[SimulatedRow]:
        world, truth = kind
        found = []
        for _ in range(count):
            score = simulate_run(world, PLANS[self.plan], rng, Measured(PROMPTS)).score
            together = resistance_of(score.compared, row_level(ROWS)).headline
            usual = score.resistance
            found.append(SimulatedRow(truth, usual.headline, together, usual.by_seed))
        return found


def whole_ladders() -> list[tuple[World, float]]:
    """Kinds of runs, each with its true lowest retention over the rungs that are admissible."""
    holds = RungLaw(steady(KEPT), losing(0.0, 0.01))
    wrecked = RungLaw(steady(GONE), losing(0.4, 0.05))

    def kind(name: str, fourth: RungLaw, truth: float) -> tuple[World, float]:
        return World(name, frozenset(), 1, (holds, holds, holds, fourth, wrecked)), truth / KEPT

    easy = losing(0.02, 0.02)
    return [
        kind("holds", holds, KEPT),
        kind("removed", RungLaw(steady(GONE), easy), GONE),
        kind("partly", RungLaw(steady(0.5, 0.15), easy), 0.5),
        kind("seeds part", RungLaw(parting(0.3), easy), KEPT - 0.3 * (KEPT - GONE)),
        kind("removed at a loss of 0.12", RungLaw(steady(GONE), losing(0.12, 0.04)), KEPT),
        kind("removed at a loss of 0.08", RungLaw(steady(GONE), losing(0.08, 0.04)), GONE),
    ]


def row_laws(shape: str) -> list[tuple[Levels, float]]:
    """How the deciding rung's seeds are drawn in each row, and their true mean."""
    if shape == "half split":
        parted = [_parted(share) for share in np.linspace(0.1, 0.5, 5).repeat(3)]
        return [*parted, *_steady([mean for _, mean in parted])]
    if shape == "some split":
        parted = [_parted(share) for share in np.linspace(0.1, 0.5, 5)]
        return [*parted, *_steady(list(np.linspace(GONE, KEPT, ROWS - len(parted))))]
    means = {
        "equal": [0.6] * ROWS,
        "spread": list(np.linspace(GONE, KEPT, ROWS)),
        "groups": [mean for mean in (GONE, 0.5, KEPT) for _ in range(ROWS // 3)],
    }[shape]
    return _steady(means)


def _parted(share: float) -> tuple[Levels, float]:
    """A row of whose seeds a share loses the behavior."""
    return two_state_levels(share, GONE, KEPT), KEPT - share * (KEPT - GONE)


def _steady(means: Sequence[float]) -> list[tuple[Levels, float]]:
    """Rows of unequal noise; seeds spread by at most half their distance from 0 or 1."""
    spreads = [min(SPREADS[n % 4], m / 2, (1 - m) / 2) for n, m in enumerate(means)]
    return [(beta_levels(m, sd), float(m)) for m, sd in zip(means, spreads, strict=True)]


def _row(law: tuple[Levels, float], seeds: int, rng: np.random.Generator) -> SimulatedRow:
    """Draws the seeds of a row, whose headline is the retention of its only rung."""
    outcomes, _ = draw_outcomes(law[0](rng, seeds), WINDOW, PROMPTS, NOISE, rng)
    rung = Retention(outcomes, None, ASIS)
    usual, together = rung.interval(0.95), rung.interval(row_level(ROWS))
    return SimulatedRow(law[1], usual, together, dict(enumerate(rung.by_seed.tolist())))


def compare(draw: Callable[[], list[SimulatedRow]], replicates: int) -> dict[str, Any]:
    """Draws boards and puts their rows in order by each rule.

    Args:
        draw: Draws a board. A row without a number has no place under any rule.
        replicates: How many boards.

    Returns:
        For each rule the share of boards with any wrong order (``wrong``), and of pairs that are
        truly `FAR` apart the share that is told apart (``power``).
    """
    wrong: dict[str, int] = {}
    power: dict[str, list[float]] = {}
    for _ in range(replicates):
        drawn = draw()
        rows = [row for row in drawn if row.together.low is not None]
        truth = np.array([row.truth for row in rows])
        differ = truth[:, None] - truth[None, :]
        # Pairs of a row without a number are not told apart, and count.
        every = np.array([row.truth for row in drawn])
        far = int((every[:, None] - every[None, :] >= FAR).sum())
        for name, above in _rules(rows).items():
            wrong[name] = wrong.get(name, 0) + bool((above & (differ <= 1e-9)).any())
            if far:
                told = int((above & (differ >= FAR)).sum())
                power.setdefault(name, []).append(told / far)
    return {
        **{f"wrong_{name}": count / replicates for name, count in wrong.items()},
        **{f"power_{name}": float(np.mean(shares)) for name, shares in power.items()},
    }


def _rules(rows: Sequence[SimulatedRow]) -> dict[str, Above]:
    return {
        "rows": apart([row.together for row in rows]),
        "overlap": apart([row.usual for row in rows]),
        "holm": holm([Row(row.usual, row.by_seed, PROMPTS) for row in rows]),
    }


def rank_cases() -> list[Scenario]:
    """Boards of several shapes, and boards of whole ladders."""
    shapes = ("equal", "spread", "groups", "some split", "half split")
    plain = [RankCase(shape, seeds) for shape in shapes for seeds in (3, 6)]
    return [*plain, *(LadderRankCase(plan) for plan in PLANS)]
