"""What a run will do: organisms × tasks × ladder × seeds → cells, and cells → packs."""

from __future__ import annotations

from collections.abc import Sequence

from mobench.records.cells import ALPHA_PER_RANK, Cell
from mobench.registry.organism_spec import OrganismSpec, Preset


def grid(
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
    judge: str | None = None,
) -> list[Cell]:
    """Every cell of a ladder, seed by seed, rungs ascending within a seed."""
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
        )
        for seed in range(preset.seeds)
        for lr in preset.rungs
    ]


def control_count(spec: OrganismSpec, preset: Preset) -> int:
    """How many control cells stand beside a ladder, as its file alone tells.

    One at learning rate 0, one of counter-training where the organism names a task for it, and the
    clean base at every rung where there is one.
    """
    has_base = any((spec.implant, spec.adapter, spec.clean_base))
    return 1 + (spec.counter is not None) + (len(preset.rungs) if has_base else 0)


def packs(cells: Sequence[Cell], size: int) -> list[tuple[Cell, ...]]:
    """Cells in packs of at most ``size``, in order.

    Cells come seed by seed, so a pack holds whole ladders where the size allows: a run that is
    stopped half-way then has complete seeds rather than complete rungs.
    """
    if size < 1:
        raise ValueError(f"a pack holds at least one cell, got {size}")
    return [tuple(cells[start : start + size]) for start in range(0, len(cells), size)]
