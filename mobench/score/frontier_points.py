"""The points of a run's frontier: every checkpoint of every rung at which capability was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mobench.records.cells import FinishedCell
from mobench.records.names import ORGANISM
from mobench.score.beside import FrontierArea
from mobench.score.criteria import Criteria
from mobench.score.frontier import frontier_area
from mobench.score.frontier_reading import Before, SeedPoints
from mobench.score.intervals import Array
from mobench.score.row_table import RowTable


def run_frontier(
    table: RowTable,
    cells: Sequence[FinishedCell],
    criteria: Criteria,
    *,
    chance: Mapping[str, float],
) -> FrontierArea:
    """Returns the area under a run's frontier.

    A seed counts if it was run at every rung: one that was added at some rungs alone has fewer
    points, and so a lower frontier for no fault of its own.

    Args:
        table: All rows.
        cells: The ladder's cells. Of one that diverged, the checkpoints before that count.
        criteria: What the run is scored by.
        chance: By capability task, the score of one who guesses.
    """
    tasks = table.tasks("capability")
    before = Before(
        attack=table.array(ORGANISM, "attack", [0], table.prompts("attack"))[0],
        capability={task: _asked(table, ORGANISM, [0], task)[0] for task in tasks},
        clean_rate=criteria.clean_rate,
        chance=chance,
    )
    rungs = {float(cell["lr"]) for cell in cells}
    by_seed: dict[int, list[FinishedCell]] = {}
    for cell in sorted(cells, key=lambda cell: float(cell["lr"])):
        by_seed.setdefault(int(cell["seed"]), []).append(cell)
    seeds = [
        _seed_points(table, seed, own, tasks)
        for seed, own in sorted(by_seed.items())
        if len(own) == len(rungs)
    ]
    return frontier_area(seeds, before, level=criteria.level)


def _seed_points(
    table: RowTable, seed: int, cells: Sequence[FinishedCell], tasks: Sequence[str]
) -> SeedPoints:
    """All checkpoints of a seed's cells at which capability was asked, or was to be."""
    prompts = table.prompts("attack")
    steps = {str(cell["id"]): _steps(table, cell, tasks) for cell in cells}
    return SeedPoints(
        seed,
        np.vstack([table.array(cell, "attack", at, prompts) for cell, at in steps.items()]),
        np.vstack(
            [table.array(cell, "attack", at, prompts, part="inert") for cell, at in steps.items()]
        ),
        {
            task: np.vstack([_asked(table, cell, at, task) for cell, at in steps.items()])
            for task in tasks
        },
    )


def _steps(table: RowTable, cell: FinishedCell, tasks: Sequence[str]) -> list[int]:
    """The steps at which a cell has capability rows, or should have them as it was planned."""
    asked = {step for task in tasks for step in table.steps(str(cell["id"]), "capability", task)}
    kept = set(cell.get("checkpoints", ()))
    planned = {step for step in cell.get("capability_checkpoints", ()) if step in kept}
    return sorted(asked | (planned - {0}))


def _asked(table: RowTable, cell: str, steps: Sequence[int], task: str) -> Array:
    return table.array(cell, "capability", steps, table.prompts("capability", task), task)
