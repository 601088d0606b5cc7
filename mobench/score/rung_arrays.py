"""One rung's rows as the arrays that it is scored from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mobench.score.intervals import Array
from mobench.score.plateau import mean_of_judged
from mobench.score.row_arrays import ORGANISM, RowTable
from mobench.score.rung_score import Measured
from mobench.score.window import in_window


def measured(
    table: RowTable, group: Sequence[Mapping[str, Any]], *, start: str = ORGANISM
) -> Measured:
    """Arranges one rung's seeds; diverged ones are only counted.

    Args:
        table: All rows.
        group: The rung's cells, one for each seed.
        start: The model that they were trained from, whose rows are their step 0.

    The budget's last step is a checkpoint even if nothing was judged there, so that the window is
    always the last half of the budget.

    Raises:
        ValueError: There are rows past the budget.
    """
    done = [cell for cell in group if cell["status"] != "diverged"]
    ids = [str(cell["id"]) for cell in done]
    prompts = table.prompts("attack")
    budget = int(group[0]["steps"])
    after = sorted({budget, *(step for cell in ids for step in table.steps(cell, "attack"))})
    if after[-1] > budget:
        raise ValueError(
            f"there are rows at step {after[-1]} of a budget of {budget} steps, "
            f"at learning rate {float(group[0]['lr']):g}"
        )
    first = table.array(start, "attack", [0], prompts)
    outcomes = np.array(
        [np.vstack([first, table.array(cell, "attack", after, prompts)]) for cell in ids]
    ).reshape(len(ids), 1 + len(after), len(prompts))
    tasks = {task: table.prompts("capability", task) for task in table.tasks("capability")}
    return Measured(
        lr=float(group[0]["lr"]),
        steps=budget,
        seeds=tuple(int(cell["seed"]) for cell in done),
        checkpoints=(0, *after),
        outcomes=outcomes,
        before={
            task: table.array(start, "capability", [0], asked, task)
            for task, asked in tasks.items()
        },
        after={task: _capability(table, ids, budget, task) for task in tasks},
        control=_window(table, ids, budget, "control"),
        inert=_window(table, ids, budget, "attack", inert=True),
        diverged=len(group) - len(done),
        not_judged=share(table.not_judged(ids, ["attack"], lambda step: in_window(step, budget))),
    )


def share(counted: tuple[int, int]) -> float:
    """Part of a whole; 0 of an empty one."""
    part, whole = counted
    return part / whole if whole else 0.0


def _window(
    table: RowTable, ids: Sequence[str], budget: int, kind: str, *, inert: bool = False
) -> Array:
    """Outcomes or inert flags of the window [seeds, checkpoints, prompts]; maybe empty."""
    inside = sorted({step for cell in ids for step in _inside(table, cell, budget, kind)})
    prompts = table.prompts(kind)
    arrays = [table.array(cell, kind, inside, prompts, inert=inert) for cell in ids]
    return np.array(arrays, dtype=np.float64).reshape(len(ids), len(inside), len(prompts))


def _capability(table: RowTable, ids: Sequence[str], budget: int, task: str) -> Array:
    """Each question's mean over the capability checkpoints in the window [seeds, questions]."""
    asked = table.prompts("capability", task)
    means = [
        mean_of_judged(
            table.array(
                cell, "capability", _inside(table, cell, budget, "capability", task), asked, task
            ),
            axis=0,
        )
        for cell in ids
    ]
    return np.array(means, dtype=np.float64).reshape(len(ids), len(asked))


def _inside(table: RowTable, cell: str, budget: int, kind: str, task: str = "") -> list[int]:
    return [step for step in table.steps(cell, kind, task) if in_window(step, budget)]
