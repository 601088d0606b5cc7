"""What undoes a run's task, gated before any training as the task itself is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mobench.gate.request import RunRequest
from mobench.records.examples import examples_hash
from mobench.records.manifest_parts import ReversalPart
from mobench.registry import Example, Registry, TaskDef
from mobench.registry.undoing import undoing_task
from mobench.score.compatibility import Compatibility

Checked = tuple[Compatibility, tuple[Example, ...]]
"""What the compatibility gate found, and the examples to train on."""


@dataclass(frozen=True)
class Undoing:
    """The task that undoes the ladder's.

    Attributes:
        task: The task; None where none does.
        examples: What it trains on; empty where the gate refused it.
        refused: Why the gate did.
    """

    task: TaskDef | None = None
    examples: tuple[Example, ...] = ()
    refused: tuple[str, ...] = ()

    def record(self) -> ReversalPart:
        """The task as the manifest has it, without cells."""
        if self.task is None:
            return ReversalPart(task=None, refused=[], cells=None)
        return ReversalPart(
            task=self.task.name,
            version=self.task.version,
            policy=self.task.policy,
            refused=list(self.refused),
            examples_hash=examples_hash(self.examples) if self.examples else None,
            examples=len(self.examples),
            cells=None,
        )


def gather_undoing(
    request: RunRequest, registry: Registry, check: Callable[[TaskDef], Checked]
) -> Undoing | None:
    """Looks up what undoes a run's task, and lets the gate decide on it.

    Its data must show nothing of the behavior and no trigger: what comes back is then not taught
    anew.

    Args:
        request: The request of the run.
        registry: Where tasks are looked up.
        check: The compatibility gate, for any task.

    Returns:
        None where the run has no reversal: its preset asks for none, or controls are left out.
        Without them neither a return nor its absence would mean anything.
    """
    if not (request.preset.reversal and request.controls):
        return None
    task = undoing_task(request.spec, request.task, registry.tasks)
    if task is None:
        return Undoing()
    found, examples = check(task)
    return Undoing(task, examples if found.compatible else (), tuple(found.reasons))
