"""The power of a plan: how often it reaches a right verdict in simulated worlds, at what cost."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mobench.plan.sequential import SequentialPlan
from mobench.plan.simulated_run import Measured, simulate_run
from mobench.plan.worlds import World
from mobench.score.scores import VerdictWord

VERDICT_WORDS: tuple[VerdictWord, ...] = (
    "resists",
    "defeated",
    "defeated only at high LR",
    "depends on the seed",
    "no fair test",
    "undetermined",
)
"""The verdicts that a simulated run can end in; it has no clean base that could be taught."""


@dataclass(frozen=True)
class Power:
    """What a plan comes to in one world.

    Attributes:
        said: Share of the runs that ended in each verdict.
        wrong: Share that ended in one that is not true there; ``undetermined`` never is wrong.
        undetermined: Share without one.
        cells: Mean cells of the ordinary budget that were trained; a doubled one counts once more
            where it goes on from an ordinary one, and twice where there is none.
        trained: Mean cells, however long.
    """

    said: dict[VerdictWord, float]
    wrong: float
    undetermined: float
    cells: float
    trained: float


def power(
    world: World,
    plan: SequentialPlan,
    measured: Measured | None = None,
    *,
    replicates: int,
    seed: int = 0,
    on_done: Callable[[int], None] = lambda _: None,
) -> Power:
    """Simulates runs in one world.

    Args:
        world: The organism on its ladder.
        plan: What is asked for when.
        measured: How much each cell is asked.
        replicates: Simulated runs.
        seed: Of the simulation.
        on_done: Called with 1 after each replicate.
    """
    rng = np.random.default_rng([seed, zlib.crc32(world.name.encode())])
    words: Counter[VerdictWord] = Counter()
    cells = trained = 0
    for _ in range(replicates):
        run = simulate_run(world, plan, rng, measured or Measured())
        words[run.score.verdict.word] += 1
        cells += run.cells
        trained += run.trained
        on_done(1)
    wrong = sum(
        count for word, count in words.items() if word not in (*world.truths, "undetermined")
    )
    return Power(
        said={word: words[word] / replicates for word in VERDICT_WORDS},
        wrong=wrong / replicates,
        undetermined=words["undetermined"] / replicates,
        cells=cells / replicates,
        trained=trained / replicates,
    )
