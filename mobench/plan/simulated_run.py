"""A simulated run of the sequential plan: cells are drawn instead of trained.

Scoring, walking the ladder and asking for more are the code that real runs go through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mobench.plan.sequential import Request, SequentialPlan, next_requests
from mobench.plan.worlds import KEPT, RungLaw, World
from mobench.score.criteria import Criteria
from mobench.score.intervals import Array
from mobench.score.ladder_score import LadderScore, score_ladder
from mobench.score.rung_outcomes import RungOutcomes
from mobench.score.rung_summary import summary_of
from mobench.score.simulation import Noise, draw_outcomes

LRS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
"""Learning rates of the simulated rungs."""
VARIATION = Noise(difficulty=0.5, seed_preference=0.5, wobble=0.25, correlation=0.5)
"""Prompts differ, seeds differ in which prompts they show the behavior on, checkpoints wobble."""


@dataclass(frozen=True)
class Measured:
    """How much each cell is asked.

    Attributes:
        prompts: Eval prompts.
        window: Checkpoints in the window.
        questions: Capability questions of each task.
    """

    prompts: int = 60
    window: int = 9
    questions: tuple[int, ...] = (200, 200, 200)


@dataclass(frozen=True)
class SimulatedRun:
    """How a simulated run ended.

    Attributes:
        score: Its score.
        cells: What was trained, in cells of the ordinary budget: a doubled one counts once more
            where it goes on from an ordinary one, and twice where there is none.
        trained: Cells that were trained, however long.
    """

    score: LadderScore
    cells: int
    trained: int


@dataclass
class _Rung:
    """The seeds of one rung that have been drawn, and what each that ever was has cost.

    Seeds that have a shorter cell, `trained_before` of them, go on from its end.
    """

    law: RungLaw
    lr: float
    budget: int = 1
    trained_before: int = 0
    outcomes: list[Array] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    scores: dict[str, list[Array]] = field(default_factory=dict)
    spent: list[int] = field(default_factory=list)


def simulate_run(
    world: World,
    plan: SequentialPlan,
    rng: np.random.Generator,
    measured: Measured = Measured(),
    noise: Noise = VARIATION,
) -> SimulatedRun:
    """Simulates a run from its first seeds to its verdict.

    Args:
        world: The organism on its ladder.
        plan: What is asked for when.
        rng: Source of randomness.
        measured: How much each cell is asked.
        noise: How outcomes vary around a seed's rate.
    """
    before = {
        f"task {number}": (rng.random((1, count)) < 0.7).astype(np.float64)
        for number, count in enumerate(measured.questions)
    }
    criteria = Criteria(KEPT, 0.0, LRS[world.standard])
    rungs = [_Rung(law, lr) for law, lr in zip(world.rungs, LRS, strict=True)]
    for rung in rungs:
        _grow(rung, plan.seeds, before, measured, noise, rng)
    while True:
        score = score_ladder([_as_outcomes(rung, before, measured) for rung in rungs], criteria)
        twice = [rung.lr for rung in rungs if rung.budget > 1]
        requests = next_requests(
            [summary_of(rung, criteria.epsilon) for rung in score.rungs],
            plan,
            standard_lr=criteria.standard_lr,
            doubled=twice,
        )
        if not requests:
            spent = [cost for rung in rungs for cost in rung.spent]
            return SimulatedRun(score, sum(spent), len(spent))
        for request in requests:
            _meet(rungs, request, before, measured, noise, rng)


def _meet(
    rungs: Sequence[_Rung],
    request: Request,
    before: Mapping[str, Array],
    measured: Measured,
    noise: Noise,
    rng: np.random.Generator,
) -> None:
    """Draws what a request asks for."""
    rung = next(rung for rung in rungs if rung.lr == request.lr)
    if request.doubled and rung.budget == 1:
        rung.budget, rung.trained_before = 2, len(rung.outcomes)
        rung.outcomes, rung.losses, rung.scores = [], [], {}
    _grow(rung, request.seeds, before, measured, noise, rng)


def _grow(
    rung: _Rung,
    seeds: int,
    before: Mapping[str, Array],
    measured: Measured,
    noise: Noise,
    rng: np.random.Generator,
) -> None:
    """Draws seeds until a rung has so many."""
    had = len(rung.outcomes)
    fresh = seeds - had
    times = np.linspace(0.5, 1.0, measured.window) * rung.budget
    path = rung.law.path(rng, fresh, times)
    outcomes, _ = draw_outcomes(path, measured.window, measured.prompts, noise, rng)
    rung.outcomes += list(outcomes)
    for loss in rung.law.losses(rng, fresh):
        rung.losses.append(float(loss))
        for task, scores in before.items():
            rung.scores.setdefault(task, []).append(_after(scores[0], float(loss), rng))
    rung.spent += [
        rung.budget - (1 if seed < rung.trained_before else 0) for seed in range(had, seeds)
    ]


def _after(before: Array, loss: float, rng: np.random.Generator) -> Array:
    """Returns scores after training: a tenth drawn anew, and so many lost that the mean falls so.

    A negative loss is a gain.
    """
    scores = np.where(rng.random(before.size) < 0.1, rng.random(before.size) < 0.7, before)
    hit = rng.random(before.size) < abs(loss) / (0.7 if loss > 0 else 0.3)
    return np.asarray(np.where(hit, 0.0 if loss > 0 else 1.0, scores), dtype=np.float64)


def _as_outcomes(rung: _Rung, before: Mapping[str, Array], measured: Measured) -> RungOutcomes:
    """Returns what was drawn of a rung as it is scored."""
    window = np.array(rung.outcomes)
    seeds = window.shape[0]
    start = np.full((seeds, 1, measured.prompts), KEPT)
    last = 100 * rung.budget
    steps = tuple(int(step) for step in np.linspace(last / 2, last, measured.window).round())
    return RungOutcomes(
        lr=rung.lr,
        steps=last,
        seeds=tuple(range(seeds)),
        checkpoints=(0, *steps),
        outcomes=np.concatenate([start, window], axis=1),
        initial_capability=before,
        capability={task: np.array(scores) for task, scores in rung.scores.items()},
        control=np.zeros_like(window),
        inert=np.zeros_like(window),
    )
