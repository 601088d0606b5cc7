"""What a run will do: organisms × tasks × ladder × seeds → cells, and cells → packs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mobench.registry.definitions import Example
from mobench.registry.organism_spec import OrganismSpec, Preset

ALPHA_PER_RANK = 2.0
"""LoRA's alpha is twice the rank: the update is scaled by 2, the commonest published setting."""

ORGANISM = "organism"
"""The arm of every cell of the ladder itself; all others are controls."""


@dataclass(frozen=True)
class Cell:
    """The unit of work and of resume. Every field is identity: change one and it is another cell.

    Attributes:
        organism_revision: Hash of the organism's definition.
        organism_weights: Hash of its weights, so an embedded base is never confused with another
            precision of it.
        task_version: Hash of the task's code and data files.
        examples: Hash of the examples themselves: an on-policy task depends on who answers.
        backend: What trained and answered: engine, versions, device and precision.
        arm: What is trained: the ``organism`` on the ladder's task, or a control.
        judge: The judging model and its rubric's version; None where the behavior judges alone.
    """

    organism: str
    organism_revision: str
    organism_weights: str
    task: str
    task_version: str
    examples: str
    method: str
    rank: int | None
    alpha: float | None
    lr: float
    seed: int
    steps: int
    batch_size: int
    max_length: int
    checkpoints: tuple[int, ...]
    capability_checkpoints: tuple[int, ...]
    backend: str
    arm: str = ORGANISM
    judge: str | None = None

    @property
    def id(self) -> str:
        """First 12 hex digits of the SHA-256 over all fields."""
        return digest(self._fields())

    def record(self) -> dict[str, Any]:
        """The cell as JSON, its id among the fields."""
        return {"id": self.id, **json.loads(json.dumps(self._fields()))}

    def _fields(self) -> dict[str, Any]:
        """All fields; those that came later only where they say something.

        A cell without them has the id that it had before there were any.
        """
        unsaid = [name for name, usual in _LATER.items() if getattr(self, name) == usual]
        return {name: value for name, value in asdict(self).items() if name not in unsaid}


_LATER: dict[str, str | None] = {"arm": ORGANISM, "judge": None}


def digest(value: Any) -> str:
    """First 12 hex digits of the SHA-256 over canonical JSON."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def examples_hash(examples: Iterable[Example]) -> str:
    """Names a task's examples, as a cell does."""
    return digest([example.record() for example in examples])


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
