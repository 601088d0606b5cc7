"""Which low rungs are trained again for longer, and for how long: a rule fixed before the run.

The source claims: where a high learning rate removes the behavior in S steps, an N times lower one
does not in 6·N·S. Every rung has the same budget at first, mostly far short of that. The rule is a
pure function from the finished ladder's scores to the longer budgets and their cells.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mobench.plan.schedule import capability_checkpoints, checkpoints
from mobench.records.cells import Cell
from mobench.records.manifest import Manifest
from mobench.registry.organism_spec import Preset
from mobench.score import RungScore
from mobench.score.lr_efficiency import CLAIMED_EFFICIENCY

SETTLED = ("removed", "wrecked")
"""Verdicts on a rung after which more steps at its learning rate have nothing to show."""


@dataclass(frozen=True)
class Extension:
    """One low rung's longer budget.

    Attributes:
        lr: Its learning rate.
        needed_steps: 6·N·S, rounded up.
        steps: What it is given: ``needed_steps``, or the bound if that is smaller.
        cells: One for each seed. The run is scored from them only once all of them are finished.
    """

    lr: float
    needed_steps: int
    steps: int
    cells: tuple[Cell, ...]

    def record(self) -> dict[str, Any]:
        """Returns the extension as the manifest has it, with its cells by their ids."""
        ids = [cell.id for cell in self.cells]
        return {**dataclasses.asdict(self), "cells": ids}


def needed_steps(lr_low: float, lr_high: float, removed_by: int) -> int:
    """Returns 6·N·S in whole steps, with ``N = lr_high / lr_low``.

    Args:
        lr_low: The lower learning rate.
        lr_high: The higher one.
        removed_by: S, the step by which the higher one had removed the behavior in every seed.
    """
    # A ratio such as 3e-3/3e-4 is a hair off 10; rounding that up would ask for one step too many.
    return math.ceil(CLAIMED_EFFICIENCY * (lr_high / lr_low) * removed_by * (1 - 1e-9))


def plan_extensions(
    rungs: Sequence[RungScore], cells: Sequence[Cell], preset: Preset, max_steps: int
) -> tuple[Extension, ...]:
    """Lays out the longer cells of a finished ladder.

    The high rung is the lowest one above the standard rung that removed the behavior: the same
    that LR efficiency is computed of. Every lower rung that is neither removed nor wrecked and was
    given fewer than 6·N·S steps is to be run again. The answer depends on the ordinary ladder
    alone, so a run that is stopped and started again comes to the same one.

    Args:
        rungs: The ordinary ladder's scores, sorted by learning rate.
        cells: The ordinary ladder's cells.
        preset: How much they were trained.
        max_steps: No rung is given more.

    Returns:
        One for each rung to extend, the highest learning rate first; empty where no rung above the
        standard one removed the behavior, or some seed of it had it back at the end.
    """
    # 1. The lowest rung above the standard one that removed the behavior.
    standard = next((i for i, rung in enumerate(rungs) if rung.standard), len(rungs))
    above = range(standard + 1, len(rungs))
    high = next((i for i in above if rungs[i].verdict == "removed"), None)
    if high is None:
        return ()

    # 2. The step by which it had removed it in every seed.
    ends = [removal.high for removal in rungs[high].removals]
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends):
        return ()

    # 3. Every lower rung that is open and was given fewer than 6·N·S steps.
    extensions = []
    for rung in reversed(rungs[:high]):
        needed = needed_steps(rung.lr, rungs[high].lr, max(known))
        steps = min(needed, max_steps)
        if rung.verdict not in SETTLED and rung.steps < steps:
            seeds = [cell for cell in cells if cell.lr == rung.lr]
            longer = tuple(with_budget(cell, steps, preset) for cell in seeds)
            extensions.append(Extension(rung.lr, needed, steps, longer))
    return tuple(extensions)


def with_budget(cell: Cell, steps: int, preset: Preset) -> Cell:
    """Returns the same cell with another budget, and the checkpoints that go with it.

    A longer run can go on from the end of a shorter one only if it keeps nothing before that end
    which the other did not keep. So there it keeps what the other has nearest to each step.

    Args:
        cell: A cell of the ordinary budget.
        steps: The other one.
        preset: How many checkpoints there are.
    """
    kept = checkpoints(steps, preset.window_checkpoints)
    if steps > cell.steps:
        nearest = {
            min(cell.checkpoints, key=lambda old: (abs(old - step), old))
            for step in kept
            if step <= cell.steps
        }
        kept = tuple(sorted(nearest | {step for step in kept if step > cell.steps}))
    capability = capability_checkpoints(steps, preset.capability_checkpoints, kept)
    return dataclasses.replace(
        cell, steps=steps, checkpoints=kept, capability_checkpoints=capability
    )


def scored_cells(
    cells: Sequence[Cell], extensions: Iterable[Extension], done: Callable[[Cell], bool]
) -> list[Cell]:
    """Returns the cells that a run is scored from: of a rung the longer ones, once all are done.

    If only some seeds of a rung counted with their longer budget, the rung would have no budget.

    Args:
        cells: The ordinary ladder's cells.
        extensions: The longer budgets.
        done: Whether a cell is finished.
    """
    longer = {
        (cell.lr, cell.seed): cell
        for extension in extensions
        if all(done(cell) for cell in extension.cells)
        for cell in extension.cells
    }
    return [longer.get((cell.lr, cell.seed), cell) for cell in cells]


def group_by_budget(extensions: Iterable[Extension]) -> list[list[Cell]]:
    """Groups the longer cells by budget, the shortest first: only cells of one budget share a pack.

    Within a group rung follows rung, unlike the ordinary ladder's seeds, since a rung is
    scored only as a whole. The rung nearest to the removing one comes first.
    """
    groups: dict[int, list[Cell]] = {}
    for extension in sorted(extensions, key=lambda item: (item.steps, -item.lr)):
        groups.setdefault(extension.steps, []).extend(extension.cells)
    return list(groups.values())


def longest_budgets(
    rungs: Sequence[float], *, standard_lr: float, steps: int, removed_by: int, max_steps: int
) -> dict[float, int]:
    """Returns the most steps that each rung can be extended to, before the ladder is run.

    The worst case is the top rung removing the behavior at its last step, of a doubled budget where
    the plan doubles any.

    Args:
        rungs: Learning rates of the ladder.
        standard_lr: The standard rung; only a rung above it can extend others.
        steps: The ordinary budget.
        removed_by: The last step of the longest one.
        max_steps: No rung is given more.

    Returns:
        Learning rate to steps, for the rungs that can be extended.
    """
    top = max(rungs)
    if top <= standard_lr * (1 + 1e-6):
        return {}
    bounds = {lr: min(needed_steps(lr, top, removed_by), max_steps) for lr in rungs if lr < top}
    return {lr: bound for lr, bound in bounds.items() if bound > steps}


def bound_set_later(previous: Manifest | None, max_steps: int | None, *, any_done: bool) -> bool:
    """Whether the bound on steps was set when results of this run could already be known.

    Args:
        previous: The manifest that the run already has; None if it has none.
        max_steps: The bound of the present request; None where it has none.
        any_done: Whether any of the run's cells was finished before this request.

    Returns:
        True if the bound was added, changed or dropped once a cell was finished, now or before.
    """
    previous_bound = None if previous is None else previous.max_steps
    recorded = previous is not None and bool(previous.max_steps_set_later)
    return recorded or (previous_bound != max_steps and any_done)
