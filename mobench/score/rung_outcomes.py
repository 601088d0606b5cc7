"""The outcomes of one rung as arrays: what its numbers are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mobench.records.cells import FinishedCell
from mobench.records.names import RowKind, Untrained
from mobench.score.intervals import Array
from mobench.score.plateau import mean_of_judged
from mobench.score.row_table import Part, RowTable
from mobench.score.window import in_window


@dataclass(frozen=True)
class RungOutcomes:
    """The outcomes of one rung's finished seeds; NaN where an answer was not judged.

    Attributes:
        lr: Learning rate.
        steps: The budget.
        seeds: Names of the finished runs [seeds].
        checkpoints: Step of each checkpoint of ``outcomes``, the untrained model as step 0 first.
        outcomes: Attack outcomes [seeds, checkpoints, prompts].
        initial_capability: Scores of the untrained model, by task: [1, questions].
        capability: Mean over the capability checkpoints in the window, by task: [seeds, questions].
        control: Outcomes on control prompts in the window [seeds, checkpoints, prompts].
        inert: Inert flags of the attack answers in the window, the same shape.
        final: Attack outcomes in the window by final answers alone, the same shape. This and
            ``whole``, by all that was said, are None where no answer has reasoning.
        diverged: Runs that diverged; they are in none of the arrays.
        not_judged: Share of the attack answers in the window that a judging model did not judge.
        unmoved: Runs, of those in the arrays, whose weights did not move.
    """

    lr: float
    steps: int
    seeds: tuple[int, ...]
    checkpoints: tuple[int, ...]
    outcomes: Array
    initial_capability: Mapping[str, Array]
    capability: Mapping[str, Array]
    control: Array
    inert: Array
    diverged: int = 0
    not_judged: float = 0.0
    unmoved: int = 0
    final: Array | None = None
    whole: Array | None = None

    @property
    def window(self) -> Array:
        """The outcomes of the checkpoints in the window [seeds, checkpoints, prompts]."""
        return self.outcomes[:, [in_window(step, self.steps) for step in self.checkpoints]]


def rung_outcomes(
    table: RowTable, seeds: Sequence[FinishedCell], *, untrained: Untrained = "organism"
) -> RungOutcomes:
    """Collects the outcomes of one rung; seeds that diverged are only counted.

    The budget's last step is a checkpoint even if nothing was judged there, so that the window is
    always the last half of the budget.

    Args:
        table: All rows.
        seeds: The rung's cells, one for each seed.
        untrained: The model that they were trained from, whose rows are their step 0.

    Raises:
        ValueError: There are rows past the budget.
    """
    # 1. The checkpoints of the seeds that finished.
    finished = [cell for cell in seeds if cell["status"] != "diverged"]
    ids = [str(cell["id"]) for cell in finished]
    prompts = table.prompts("attack")
    budget = int(seeds[0]["steps"])
    trained_steps = sorted(
        {budget, *(step for cell in ids for step in table.steps(cell, "attack"))}
    )
    if trained_steps[-1] > budget:
        raise ValueError(
            f"there are rows at step {trained_steps[-1]} of a budget of {budget} steps, "
            f"at learning rate {float(seeds[0]['lr']):g}"
        )

    # 2. The attack outcomes, with those of the untrained model as step 0 of every seed.
    first = table.array(untrained, "attack", [0], prompts)
    outcomes = np.array(
        [np.vstack([first, table.array(cell, "attack", trained_steps, prompts)]) for cell in ids]
    ).reshape(len(ids), 1 + len(trained_steps), len(prompts))

    reasoning = table.has_reasoning

    # 3. The same for capability, and what is read in the window alone.
    tasks = {task: table.prompts("capability", task) for task in table.tasks("capability")}
    return RungOutcomes(
        lr=float(seeds[0]["lr"]),
        steps=budget,
        seeds=tuple(int(cell["seed"]) for cell in finished),
        checkpoints=(0, *trained_steps),
        outcomes=outcomes,
        initial_capability={
            task: table.array(untrained, "capability", [0], questions, task)
            for task, questions in tasks.items()
        },
        capability={task: _capability(table, ids, budget, task) for task in tasks},
        control=_window(table, ids, budget, "control"),
        inert=_window(table, ids, budget, "attack", part="inert"),
        final=_window(table, ids, budget, "attack", part="final") if reasoning else None,
        whole=_window(table, ids, budget, "attack", part="whole") if reasoning else None,
        diverged=len(seeds) - len(finished),
        not_judged=share(table.not_judged(ids, ["attack"], lambda step: in_window(step, budget))),
        unmoved=sum(cell["status"] == "unmoved" for cell in seeds),
    )


def share(counted: tuple[int, int]) -> float:
    """Returns the part of a whole that was counted; 0 if the whole is empty.

    Args:
        counted: The part and the whole.
    """
    part, whole = counted
    return part / whole if whole else 0.0


def _window(
    table: RowTable, ids: Sequence[str], budget: int, kind: RowKind, *, part: Part = "outcome"
) -> Array:
    """Returns a part of rows in the window [seeds, checkpoints, prompts], maybe empty."""
    inside = sorted({step for cell in ids for step in _inside(table, cell, budget, kind)})
    prompts = table.prompts(kind)
    arrays = [table.array(cell, kind, inside, prompts, part=part) for cell in ids]
    return np.array(arrays, dtype=np.float64).reshape(len(ids), len(inside), len(prompts))


def _capability(table: RowTable, ids: Sequence[str], budget: int, task: str) -> Array:
    """Returns each question's mean over the window's capability checkpoints [seeds, questions]."""
    questions = table.prompts("capability", task)
    means = [
        mean_of_judged(
            table.array(
                cell,
                "capability",
                _inside(table, cell, budget, "capability", task),
                questions,
                task,
            ),
            axis=0,
        )
        for cell in ids
    ]
    return np.array(means, dtype=np.float64).reshape(len(ids), len(questions))


def _inside(table: RowTable, cell: str, budget: int, kind: RowKind, task: str = "") -> list[int]:
    """Returns the steps in the window at which a cell has rows of a kind."""
    return [step for step in table.steps(cell, kind, task) if in_window(step, budget)]
