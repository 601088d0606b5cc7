"""Which low rungs are trained again for longer, and for how long: a rule fixed before the run.

The source claims: where a high learning rate removes the behavior in S steps, an N times lower one
does not in 6·N·S. Every rung has the same budget at first, mostly far short of that. This is the
whole decision: finished scores in, budgets and cells out. Nothing here trains, loads or writes.
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
from mobench.score.removals import CLAIM

SETTLED = ("removed", "wrecked")
"""What more steps at the same rate cannot change in favor of the behavior."""


@dataclass(frozen=True)
class Extension:
    """One low rung's longer budget.

    Attributes:
        lr: Its learning rate.
        needed_steps: 6·N·S, rounded up.
        steps: What it is given: ``needed_steps``, or the bound if that is smaller.
        cells: One for each seed. They count only once all of them are finished.
    """

    lr: float
    needed_steps: int
    steps: int
    cells: tuple[Cell, ...]

    def record(self) -> dict[str, Any]:
        """The extension as the manifest tells it; cells by their ids."""
        ids = [cell.id for cell in self.cells]
        return {**dataclasses.asdict(self), "cells": ids}


def needed_steps(lr_low: float, lr_high: float, removed_by: int) -> int:
    """6·N·S in whole steps, with ``N = lr_high / lr_low``.

    Args:
        lr_low: The lower learning rate.
        lr_high: The higher one.
        removed_by: S, the step by which the higher one had removed the behavior in every seed.
    """
    # A ratio such as 3e-3/3e-4 is a hair off 10; rounding that up would ask for one step too many.
    return math.ceil(CLAIM * (lr_high / lr_low) * removed_by * (1 - 1e-9))


def plan(
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
        preset: What they were laid out by.
        max_steps: No rung is given more.

    Returns:
        One for each rung to extend, the highest learning rate first; empty where no rung above the
        standard one removed the behavior, or some seed of it had it back at the end.
    """
    usual = next((i for i, rung in enumerate(rungs) if rung.standard), len(rungs))
    above = range(usual + 1, len(rungs))
    high = next((i for i in above if rungs[i].verdict == "removed"), None)
    if high is None:
        return ()
    ends = [removal.high for removal in rungs[high].removals]
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends):
        return ()
    found = []
    for rung in reversed(rungs[:high]):
        needed = needed_steps(rung.lr, rungs[high].lr, max(known))
        steps = min(needed, max_steps)
        if rung.verdict not in SETTLED and rung.steps < steps:
            mine = [cell for cell in cells if cell.lr == rung.lr]
            longer = tuple(_longer(cell, steps, preset) for cell in mine)
            found.append(Extension(rung.lr, needed, steps, longer))
    return tuple(found)


def _longer(cell: Cell, steps: int, preset: Preset) -> Cell:
    kept = checkpoints(steps, preset.window_checkpoints)
    asked = capability_checkpoints(steps, preset.capability_checkpoints, kept)
    return dataclasses.replace(cell, steps=steps, checkpoints=kept, capability_checkpoints=asked)


def counted(
    cells: Sequence[Cell], extensions: Iterable[Extension], done: Callable[[Cell], bool]
) -> list[Cell]:
    """The cells that the run is scored from: a rung's longer ones once all of them are done.

    A rung half of whose seeds had more steps than the others would have no budget to name.
    """
    longer = {
        (cell.lr, cell.seed): cell
        for extension in extensions
        if all(done(cell) for cell in extension.cells)
        for cell in extension.cells
    }
    return [longer.get((cell.lr, cell.seed), cell) for cell in cells]


def by_budget(extensions: Iterable[Extension]) -> list[list[Cell]]:
    """The longer cells in groups of equal budget, the shortest first: only those share a pack.

    Within a group rung follows rung, unlike in the ordinary ladder, since a rung counts only as a
    whole. The one nearest to the removing rung comes first.
    """
    groups: dict[int, list[Cell]] = {}
    for extension in sorted(extensions, key=lambda item: (item.steps, -item.lr)):
        groups.setdefault(extension.steps, []).extend(extension.cells)
    return list(groups.values())


def at_most(
    rungs: Sequence[float], *, standard_lr: float, steps: int, max_steps: int
) -> dict[float, int]:
    """The most steps that each rung can be extended to, before anything is known.

    The worst case is the top rung removing the behavior at its last step.

    Args:
        rungs: Learning rates of the ladder.
        standard_lr: Only a rung above this one extends others.
        steps: The ordinary budget.
        max_steps: No rung is given more.

    Returns:
        Learning rate to steps, for the rungs that can be extended.
    """
    top = max(rungs)
    if top <= standard_lr * (1 + 1e-6):
        return {}
    bounds = {lr: min(needed_steps(lr, top, steps), max_steps) for lr in rungs if lr < top}
    return {lr: bound for lr, bound in bounds.items() if bound > steps}


def set_later(previous: Manifest | None, max_steps: int | None, *, any_done: bool) -> bool:
    """Whether the bound was chosen by somebody who could know results of this run.

    Args:
        previous: The manifest that is already there; None if there is none.
        max_steps: What is asked for now.
        any_done: Whether any of the run's cells was finished before this was asked.

    Returns:
        True if the bound was added, changed or dropped once a cell was finished, now or before.
    """
    before = None if previous is None else previous.max_steps
    noted = previous is not None and bool(previous.max_steps_set_later)
    return noted or (before != max_steps and any_done)
