"""Does the interval of the frontier's area hold? Simulations with a known truth.

    python -m benchmarks.frontier                     # half an hour on two busy cores
    python -m benchmarks.frontier --replicates 100    # a look; writes nothing

With the full number of replicates (1,000) the figures go to benchmarks/results/frontier.json and
the table between the markers in docs/method.md.

A world says where the points of a seed truly are. Every prompt shows the behavior with the point's
probability; questions differ in how easily they are lost, in the same way at every point and in
every seed, and come back at a small rate. The truth is the mean over many seeds of the area under
each seed's true envelope.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from tabulate import tabulate

from benchmarks.markers import insert
from mobench.score.frontier import frontier_area, spans_of
from mobench.score.frontier_reading import Before, SeedPoints, area_under, envelope, losses_of, read
from mobench.score.intervals import Array, t_half_width

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "frontier.json"
METHOD = HERE.parent / "docs" / "method.md"
FULL = 1000
SEEDS = (3, 6, 10)
PROMPTS = 100
QUESTIONS = {"choice": 140, "words": 70}
CHANCE = {"choice": 0.25, "words": 0.0}
INITIAL = {"choice": 0.70, "words": 0.60}
CHECKPOINTS = 4
_DRAWN_FOR_TRUTH = 4000

World = Callable[[np.random.Generator], Array]
"""Draws one seed's true points [points, 2]: ρ and κ."""


def _around(points: list[tuple[float, float]], spread: float) -> World:
    """Four checkpoints at each point, which a seed shifts along both axes."""

    def draw(generator: np.random.Generator) -> Array:
        shift = generator.normal(0.0, spread, (len(points), 2))
        middles = np.repeat(np.array(points) + shift, CHECKPOINTS, axis=0)
        return np.clip(middles, 0.0, 1.0)

    return draw


def _split(first: World, second: World, share: float) -> World:
    return lambda generator: (second if generator.random() < share else first)(generator)


HOLDS: list[tuple[float, float]] = [(1.0, 1.0), (1.0, 1.0), (1.0, 0.98), (1.0, 0.9), (0.3, 0.1)]
DIAGONAL = [(1.0, 1.0), (0.9, 0.9), (0.7, 0.7), (0.5, 0.5), (0.2, 0.2)]
BENT = [(1.0, 1.0), (0.8, 0.98), (0.5, 0.9), (0.25, 0.7), (0.0, 0.2)]
FREE = [(1.0, 1.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.95), (0.0, 0.3)]
COSTLY = [(1.0, 1.0), (1.0, 1.0), (0.6, 0.85), (0.0, 0.6), (0.0, 0.1)]

WORLDS: dict[str, World] = {
    "holds until it is wrecked": _around(HOLDS, 0.0),
    "one for one, all along": _around(DIAGONAL, 0.0),
    "one for one, seeds differ": _around(DIAGONAL, 0.05),
    "bent": _around(BENT, 0.0),
    "bent, seeds differ": _around(BENT, 0.08),
    "gone at a cost": _around(COSTLY, 0.05),
    "gone for free": _around(FREE, 0.0),
    "3 of 10 seeds lose it for free": _split(_around(HOLDS, 0.0), _around(FREE, 0.0), 0.3),
}


@dataclass(frozen=True)
class Case:
    """One world with so many seeds."""

    world: str
    seeds: int


def truth(world: World) -> float:
    """The mean area over many seeds."""
    generator = np.random.default_rng(0)
    areas = []
    for _ in range(_DRAWN_FOR_TRUTH):
        rho, kappa = world(generator).T
        on = envelope(rho, kappa)
        areas.append(area_under(rho[on], kappa[on])[0])
    return float(np.mean(areas))


def simulated(
    world: World, seeds: int, generator: np.random.Generator
) -> tuple[list[SeedPoints], Before]:
    """One run's answers before and after training."""
    before: dict[str, Array] = {}
    frailty: dict[str, Array] = {}
    for task, count in QUESTIONS.items():
        right = generator.random(count) < INITIAL[task]
        before[task] = right.astype(float)
        frailty[task] = generator.beta(1.0, 1.0, count)
    span = float(np.mean([INITIAL[task] - CHANCE[task] for task in QUESTIONS]))
    points = []
    for seed in range(seeds):
        rho, kappa = world(generator).T
        capability = {}
        for task, count in QUESTIONS.items():
            # A question that was right is lost with a probability of mean p over questions, and one
            # that was wrong comes right at 0.02; together they lose what κ says.
            back, initial = 0.02, INITIAL[task]
            lost = ((1.0 - kappa) * span + back * (1.0 - initial)) / initial
            # Of mean p: (1 - u) ** (1 / p - 1) for uniform u.
            power = 1.0 / np.clip(lost, 1e-9, 1.0) - 1.0
            chances = (1.0 - frailty[task])[None, :] ** power[:, None]
            draw = generator.random((rho.size, count))
            capability[task] = np.where(before[task] > 0, draw >= chances, draw < back).astype(
                float
            )
        attack = (generator.random((rho.size, PROMPTS)) < rho[:, None]).astype(float)
        points.append(SeedPoints(seed, attack, np.zeros_like(attack), capability))
    return points, Before(np.ones(PROMPTS), before, 0.0, CHANCE)


def run_case(job: tuple[Case, int]) -> dict[str, Any]:
    """Simulates one case; a function of the module, so that a process can be given it."""
    case, replicates = job
    world = WORLDS[case.world]
    true = truth(world)
    generator = np.random.default_rng(1)
    covered = naive = 0
    estimates: list[float] = []
    uncorrected: list[float] = []
    widths: list[float] = []
    for _ in range(replicates):
        points, before = simulated(world, case.seeds, generator)
        found, spans = frontier_area(points, before), spans_of(before)
        assert found.estimate is not None
        assert found.low is not None
        assert found.high is not None
        assert not isinstance(spans, str)
        covered += found.low - 1e-9 <= true <= found.high + 1e-9
        plain = np.array([read(losses_of(one, before, spans, missing=None)).area for one in points])
        naive += abs(float(plain.mean()) - true) <= t_half_width(plain, 0.95) + 1e-9
        estimates.append(found.estimate)
        uncorrected.append(float(plain.mean()))
        widths.append(found.high - found.low)
    return {
        "world": case.world,
        "seeds": case.seeds,
        "true": true,
        "coverage": covered / replicates,
        "bias": float(np.mean(estimates)) - true,
        "width": float(np.mean(widths)),
        "uncorrected bias": float(np.mean(uncorrected)) - true,
        "coverage of t on the uncorrected": naive / replicates,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as a GitHub table."""
    lines = [
        [row["world"], row["seeds"], *(f"{row[key]:.3f}" for key in list(rows[0])[2:])]
        for row in rows
    ]
    return tabulate(lines, headers=list(rows[0]), tablefmt="github", disable_numparse=True)


@click.command()
@click.option("--replicates", default=FULL, show_default=True)
@click.option("--render", is_flag=True, help="Only write the table again, from the kept figures.")
def main(replicates: int, *, render: bool) -> None:
    """Simulates every world and prints the table; the full number is kept and written."""
    if render:
        kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    else:
        started = time.monotonic()
        jobs = [(Case(world, seeds), replicates) for world in WORLDS for seeds in SEEDS]
        with ProcessPoolExecutor() as pool:
            rows = list(pool.map(run_case, jobs))
        rounded = [
            {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in row.items()}
            for row in rows
        ]
        seconds = round(time.monotonic() - started)
        kept = {"replicates": replicates, "seconds": seconds, "rows": rounded}
    click.echo(table(kept["rows"]))
    if render or replicates >= FULL:
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        text = f"{table(kept['rows'])}\n\n{kept['replicates']:,} replicates for each line."
        METHOD.write_text(insert(text, METHOD.read_text(encoding="utf-8"), "frontier"))


if __name__ == "__main__":
    main()
