"""The outcomes of one rung as arrays: what its numbers are computed from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mobench.records.cells import FinishedCell
from mobench.records.names import RowKind, Untrained
from mobench.score.intervals import Array
from mobench.score.plateau import mean_of_judged
from mobench.score.row_table import Part, RowTable
from mobench.score.window import in_window


@dataclass(frozen=True)
class Planned:
    """How much there should be, so that what is missing is known to be.

    Attributes:
        seeds: Of every rung.
        prompts: Eval prompts.
        questions: Of each capability task, where that is known.
    """

    seeds: int = 0
    prompts: int = 0
    questions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RungOutcomes:
    """The outcomes of one rung's finished seeds; NaN where an answer is missing or not judged.

    Attributes:
        lr: Learning rate.
        steps: The budget.
        seeds: Names of the finished runs [seeds]; a planned one that is not there is all NaN.
        checkpoints: Step of each checkpoint of ``outcomes``, the untrained model as step 0 first.
        outcomes: Attack outcomes [seeds, checkpoints, prompts].
        initial_capability: Scores of the untrained model, by task: [1, questions].
        capability: Mean over the capability checkpoints in the window, by task: [seeds, questions].
        capability_missing: Share of those checkpoints that have no score, of the same shapes; empty
            where nothing is missing.
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
    capability_missing: Mapping[str, Array] = field(default_factory=dict)

    @property
    def window(self) -> Array:
        """The outcomes of the checkpoints in the window [seeds, checkpoints, prompts]."""
        return self.outcomes[:, [in_window(step, self.steps) for step in self.checkpoints]]


def rung_outcomes(
    table: RowTable,
    seeds: Sequence[FinishedCell],
    *,
    untrained: Untrained = "organism",
    planned: Planned | None = None,
) -> RungOutcomes:
    """Collects the outcomes of one rung; seeds that diverged are only counted.

    The budget's last step is a checkpoint even if nothing was judged there, so that the window is
    always the last half of the budget.

    Args:
        table: All rows.
        seeds: The rung's cells, one for each seed.
        untrained: The model that they were trained from, whose rows are their step 0.
        planned: What there should be at least; what is not is NaN.

    Raises:
        ValueError: There are rows past the budget.
    """
    # 1. The checkpoints of the seeds that finished; a planned seed without a cell has no rows.
    whole = planned or Planned()
    finished = [cell for cell in seeds if cell["status"] != "diverged"]
    absent = sorted(set(range(whole.seeds)) - {int(cell["seed"]) for cell in seeds})
    ids = [*(str(cell["id"]) for cell in finished), *("" for _ in absent)]
    names = [*(int(cell["seed"]) for cell in finished), *absent]
    prompts = table.prompts("attack")
    budget = int(seeds[0]["steps"])
    kept = {step for cell in finished for step in cell.get("checkpoints", ()) if step > 0}
    asked = {step for cell in ids for step in table.steps(cell, "attack")}
    trained_steps = sorted({budget, *kept, *asked})
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
    inside = [step for step in trained_steps if in_window(step, budget)]
    reasoning = table.has_reasoning

    def in_the_window(part: Part) -> Array:
        return padded(_window(table, ids, inside, "attack", part=part), whole.prompts)

    # 3. The same for capability, and what is read in the window alone.
    tasks = {task: table.prompts("capability", task) for task in table.tasks("capability")}
    expected = {
        step
        for cell in finished
        for step in cell.get("capability_checkpoints", ())
        if in_window(step, budget) and step in kept
    }
    scores = {task: _capability(table, ids, budget, task, expected) for task in tasks}
    sizes = {task: whole.questions.get(task, 0) for task in tasks}
    gaps = {task: padded(missing, sizes[task], 1.0) for task, (_, missing) in scores.items()}
    before = {
        task: padded(table.array(untrained, "capability", [0], questions, task), sizes[task])
        for task, questions in tasks.items()
    }
    complete = not any(gap.any() for gap in gaps.values()) and not any(
        np.isnan(scores).any() for scores in before.values()
    )
    control_steps = sorted(
        {step for cell in ids for step in table.steps(cell, "control") if in_window(step, budget)}
    )
    return RungOutcomes(
        lr=float(seeds[0]["lr"]),
        steps=budget,
        seeds=tuple(names),
        checkpoints=(0, *trained_steps),
        outcomes=padded(outcomes, whole.prompts),
        initial_capability=before,
        capability={task: padded(mean, sizes[task]) for task, (mean, _) in scores.items()},
        control=_window(table, ids, control_steps, "control"),
        inert=in_the_window("inert"),
        final=in_the_window("final") if reasoning else None,
        whole=in_the_window("whole") if reasoning else None,
        diverged=len(seeds) - len(finished),
        not_judged=share(table.not_judged(ids, ["attack"], lambda step: in_window(step, budget))),
        unmoved=sum(cell["status"] == "unmoved" for cell in seeds),
        capability_missing={} if complete else gaps,
    )


def padded(values: Array, size: int, fill: float = np.nan) -> Array:
    """Returns values whose last axis has at least a size: what is planned and in no row."""
    lacking = max(0, size - values.shape[-1])
    ends = [(0, 0)] * (values.ndim - 1) + [(0, lacking)]
    return np.pad(values, ends, constant_values=fill) if lacking else values


def share(counted: tuple[int, int]) -> float:
    """Returns the part of a whole that was counted; 0 if the whole is empty.

    Args:
        counted: The part and the whole.
    """
    part, whole = counted
    return part / whole if whole else 0.0


def _window(
    table: RowTable,
    ids: Sequence[str],
    steps: Sequence[int],
    kind: RowKind,
    *,
    part: Part = "outcome",
) -> Array:
    """Returns a part of the rows at some steps [seeds, checkpoints, prompts], maybe empty."""
    prompts = table.prompts(kind)
    arrays = [table.array(cell, kind, steps, prompts, part=part) for cell in ids]
    return np.array(arrays, dtype=np.float64).reshape(len(ids), len(steps), len(prompts))


def _capability(
    table: RowTable, ids: Sequence[str], budget: int, task: str, expected: Collection[int]
) -> tuple[Array, Array]:
    """Returns each question's mean over the window's capability checkpoints, and what is missing.

    Args:
        table: All rows.
        ids: Cells.
        budget: Theirs.
        task: Of lm-eval.
        expected: Steps in the window at which there should be scores.

    Returns:
        Mean over the checkpoints with a score, and share of those without [seeds, questions].
    """
    questions = table.prompts("capability", task)
    shape = (len(ids), len(questions))
    means, missing = np.full(shape, np.nan), np.ones(shape)
    for number, cell in enumerate(ids):
        asked = {step for step in table.steps(cell, "capability", task) if in_window(step, budget)}
        steps = sorted(asked | set(expected))
        if steps:
            scores = table.array(cell, "capability", steps, questions, task)
            means[number] = mean_of_judged(scores, axis=0)
            missing[number] = np.isnan(scores).mean(axis=0)
    return means, missing
