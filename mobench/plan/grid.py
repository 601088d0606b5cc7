"""The grid of a run's cells: every rung of the ladder with every seed."""

from __future__ import annotations

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
    lora = spec.ladder.method == "lora"
    return [
        Cell(
            organism=spec.name,
            organism_revision=spec.revision,
            organism_weights=organism_weights,
            task=task,
            task_version=task_version,
            examples=examples,
            method=spec.ladder.method,
            rank=spec.ladder.rank if lora else None,
            alpha=spec.ladder.rank * ALPHA_PER_RANK if lora else None,
            lr=lr,
            seed=seed,
            steps=preset.steps,
            batch_size=preset.batch_size,
            max_length=spec.ladder.max_length,
            checkpoints=checkpoints,
            capability_checkpoints=capability_checkpoints,
            backend=backend,
            judge=judge,
            interface=interface,
        )
        for seed in range(preset.seeds)
        for lr in preset.rungs
    ]


def control_count(spec: OrganismSpec, preset: Preset) -> int:
    """Returns how many control cells stand beside a ladder, by the organism's file alone.

    There is one at learning rate 0, one of counter-training where the organism names a task for
    it, and the clean base at every rung where the organism has one.
    """
    has_base = any((spec.implant, spec.adapter, spec.clean_base))
    return 1 + (spec.counter is not None) + (len(preset.rungs) if has_base else 0)
