"""The grid of a run's cells: every rung of the ladder with every seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mobench.plan.schedule import checkpoints, cooldown_steps, reversal_steps
from mobench.records.cells import ALPHA_PER_RANK, Cell
from mobench.registry.organism_spec import OrganismSpec, Preset


def cell_grid(
    spec: OrganismSpec,
    preset: Preset,
    *,
    organism_weights: str,
    task: str,
    task_version: str,
    examples: str,
    checkpoints: tuple[int, ...],
    capability_checkpoints: tuple[int, ...],
    backend: str,
    interface: str,
    judge: str | None = None,
) -> list[Cell]:
    """Returns every cell of a ladder, seed by seed, rungs ascending within a seed.

    Args:
        spec: The organism.
        preset: Rungs, seeds and how much is trained.
        organism_weights: Hash of the organism's weights.
        task: Name of the task.
        task_version: Hash of the task's code and data.
        examples: Hash of the task's examples.
        checkpoints: Steps at which an adapter is kept.
        capability_checkpoints: Those of them at which capability is measured.
        backend: What trains and answers.
        interface: Hash of what decides a prompt or an answer beside the weights.
        judge: The judging model; None where the behavior judges alone.
    """
    ladder = spec.ladder
    lora = ladder.method == "lora"
    alpha = ladder.rank * ALPHA_PER_RANK if ladder.alpha is None else ladder.alpha
    rounded = ladder.method == "full" and spec.dtype == "bfloat16"
    return [
        Cell(
            organism=spec.name,
            organism_revision=spec.revision,
            organism_weights=organism_weights,
            task=task,
            task_version=task_version,
            examples=examples,
            method=ladder.method,
            rank=ladder.rank if lora else None,
            alpha=alpha if lora else None,
            lr=lr,
            seed=seed,
            steps=preset.steps,
            batch_size=preset.batch_size,
            max_length=ladder.max_length,
            checkpoints=checkpoints,
            capability_checkpoints=capability_checkpoints,
            backend=backend,
            judge=judge,
            interface=interface,
            schedule=ladder.schedule,
            warmup_steps=ladder.warmup_steps,
            decay_steps=ladder.decay_steps,
            weight_decay=ladder.weight_decay,
            betas=ladder.betas,
            max_norm=ladder.max_norm,
            targets=ladder.targets,
            masters="float32" if rounded else None,
        )
        for seed in range(preset.seeds)
        for lr in preset.rungs
    ]


def cooldown_cells(cells: Sequence[Cell], preset: Preset) -> tuple[Cell, ...]:
    """Returns the cells that go on from a ladder's while the rate decays to nothing.

    Args:
        cells: The ladder's cells.
        preset: How many seeds are cooled down.

    Returns:
        In the ladder's order. Their steps count from the beginning of the cell that they go on
        from, and they are measured at their end alone.
    """
    chosen = [cell for cell in cells if cell.seed < preset.cooldown_seeds]
    ends = [cell.steps + cooldown_steps(cell.steps) for cell in chosen]
    return tuple(
        replace(
            cell,
            arm="cooldown",
            parent=cell.id,
            steps=end,
            checkpoints=(end,),
            capability_checkpoints=(end,),
        )
        for cell, end in zip(chosen, ends, strict=True)
    )


def reversal_cells(
    like: Cell, parents: Sequence[Cell], *, steps: int, lr: float
) -> tuple[Cell, ...]:
    """Returns cells that begin with the weights of others' ends.

    Their steps count from there, and the window is the last half of them, as ever.

    Args:
        like: What they are trained on; arm, task, examples and weights are taken from it.
        parents: The cells that they go on from.
        steps: The ladder's budget; they get half of it.
        lr: Their learning rate.
    """
    budget = reversal_steps(steps)
    kept = checkpoints(budget, min(8, budget - budget // 2 + 1))
    return tuple(
        replace(
            like,
            seed=parent.seed,
            parent=parent.id,
            lr=lr,
            steps=budget,
            checkpoints=kept,
            capability_checkpoints=(budget,),
        )
        for parent in parents
    )


def has_clean_base(spec: OrganismSpec) -> bool:
    """Returns whether an organism has a clean base, by its file alone."""
    return any((spec.implant, spec.adapter, spec.clean_base))


def control_count(spec: OrganismSpec, preset: Preset) -> int:
    """Returns how many controls of a ladder's length stand beside it, by the organism's file alone.

    There is one at learning rate 0, one of counter-training where the organism names a task for
    it, and the clean base at every rung where the organism has one.
    """
    of_base = len(preset.rungs) if has_clean_base(spec) else 0
    return 1 + (spec.counter is not None) + of_base
