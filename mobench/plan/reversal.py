"""The cells of a reversal: which rung it begins from, and what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mobench.plan.schedule import checkpoints
from mobench.records.cells import Cell
from mobench.records.names import ReversalArm
from mobench.registry.organism_spec import Preset


def reversal_cells(
    parents: Sequence[Cell],
    preset: Preset,
    *,
    arm: ReversalArm,
    standard_lr: float,
    task: str,
    task_version: str,
    examples: str,
) -> tuple[Cell, ...]:
    """Returns cells that train on what undoes the ladder's task, one for each parent.

    They take the standard learning rate, as whoever gets the trained model would, and half of the
    ordinary budget, whatever their parents had. A few checkpoints lie in their last half, where
    it is read whether the behavior is back; capability and the untriggered rate are asked at the
    end.

    Args:
        parents: Cells that they begin where those ended. Of ``reversal-organism``, which begins
            from the organism, the cells that they are like.
        preset: How much is trained.
        arm: What they are.
        standard_lr: The learning rate an ordinary user would take.
        task: Name of the undoing task.
        task_version: Hash of its code and data.
        examples: Hash of its examples.
    """
    kept = reversal_checkpoints(preset)
    return tuple(
        replace(
            parent,
            arm=arm,
            parent=None if arm == "reversal-organism" else parent.id,
            task=task,
            task_version=task_version,
            examples=examples,
            lr=standard_lr,
            steps=preset.reversal_steps,
            checkpoints=kept,
            capability_checkpoints=(preset.reversal_steps,),
        )
        for parent in parents
    )


def reversal_checkpoints(preset: Preset) -> tuple[int, ...]:
    """Returns the steps of a reversal at which an adapter is kept: half as many as a rung's."""
    steps = preset.reversal_steps
    window = max(2, min(preset.window_checkpoints // 2, steps - steps // 2))
    return checkpoints(steps, window)


def most_reversal_cells(preset: Preset, *, base: bool) -> int:
    """Returns how many cells a reversal has at most: its seeds, the organism, and its clean base.

    Args:
        preset: How many seeds are reversed.
        base: Whether there is a clean base.
    """
    return preset.reversal_seeds + 1 + base
