"""What the sequential plan may add to a run's first cells: nothing, likely, and at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mobench.plan.schedule import capability_checkpoints, checkpoints, reversal_steps
from mobench.plan.sequential import SequentialPlan
from mobench.plan.workload import Workload
from mobench.registry.organism_spec import Preset

REVERSAL_CONTROLS = 3
"""Cells beside a reversal's: going on with the task, what undoes it alone, and the clean base taken
the same way."""


@dataclass(frozen=True)
class Added:
    """Cells of one budget that a plan adds.

    Attributes:
        cells: How many.
        steps: Of each.
        reversal: Whether they undo the task: such a cell is asked for its capability once.
    """

    cells: int
    steps: int
    reversal: bool = False

    def work(self, preset: Preset, asked_at: Callable[[int, int, int, int], Workload]) -> Workload:
        """Returns the work that they are.

        Args:
            preset: How they are measured.
            asked_at: The work of so many cells of so many steps, asked at so many checkpoints, and
                at so many of these for their capability.
        """
        window = preset.window_checkpoints
        if self.reversal:
            window = min(8, self.steps - self.steps // 2 + 1)
        kept = checkpoints(self.steps, window)
        asked = capability_checkpoints(self.steps, preset.capability_checkpoints, kept)
        return asked_at(self.cells, self.steps, len(kept), 1 if self.reversal else len(asked))


@dataclass(frozen=True)
class PlanCost:
    """A whole run, as far as its plan may take it.

    Attributes:
        cells: Trained in all, controls among them.
        steps: Trained in all cells together.
        train_tokens: Tokens to train on.
        train_flops: Of training.
        measure_flops: Of measuring.
        disk_bytes: Of adapters and rows.
        seconds: Estimated time on this machine, without building the organism.
    """

    cells: int
    steps: int
    train_tokens: int
    train_flops: float
    measure_flops: float
    disk_bytes: int
    seconds: float


def likely_growth(plan: SequentialPlan, preset: Preset, *, base: bool) -> tuple[Added, ...]:
    """Returns what a plan adds where the behavior goes in every seed above the standard rung.

    Those two rungs get their next look, and the seeds of the higher one a reversal.

    Args:
        plan: The plan.
        preset: Its ladder.
        base: Whether the clean base is trained beside it.
    """
    deciding = min(2, len(preset.rungs))
    seeds = plan.looks[0] if plan.looks else plan.seeds
    return _kept(
        Added(deciding * (seeds - plan.seeds), preset.steps),
        *_reversal(seeds, preset, base=base),
    )


def most_growth(plan: SequentialPlan, preset: Preset, *, base: bool) -> tuple[Added, ...]:
    """Returns more than which no run of a plan adds.

    Every rung is given all its seeds, then still moves and all of them go on to twice the budget;
    and so does the clean base. A rung that is doubled with its first seeds, and is given more after
    that, comes to as many steps.

    Args:
        plan: The plan.
        preset: Its ladder.
        base: Whether the clean base is trained beside it, with one seed at first.
    """
    rungs, seeds = len(preset.rungs), max((plan.seeds, *plan.looks))
    undone = _reversal(seeds, preset, base=base)
    if not plan.looks:
        return undone
    trained = 2 if base else 1
    return _kept(
        Added(rungs * (seeds - plan.seeds), preset.steps),
        Added(rungs * (seeds - 1) if base else 0, preset.steps),
        *(
            Added(trained * rungs * seeds, preset.steps * 2 ** (count - 1))
            for count in range(1, plan.doublings + 1)
        ),
        *undone,
    )


def _reversal(seeds: int, preset: Preset, *, base: bool) -> tuple[Added, ...]:
    """Returns the cells that undo the task at the rung that removed the behavior."""
    if not preset.reversal:
        return ()
    undone = seeds if preset.reversal is True else min(seeds, int(preset.reversal))
    cells = undone + (REVERSAL_CONTROLS if base else REVERSAL_CONTROLS - 1)
    return (Added(cells, reversal_steps(preset.steps), reversal=True),)


def _kept(*parts: Added) -> tuple[Added, ...]:
    return tuple(part for part in parts if part.cells > 0)
