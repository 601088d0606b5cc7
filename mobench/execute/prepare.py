"""Everything a ladder needs before its first step: organism, gates, examples, cells, folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mobench.assemble.organism import Built
from mobench.errors import MobenchError
from mobench.gate.admission import CLEAN, GATE, backend_of, before
from mobench.gate.judge import REPLIES, Judging, judge_for
from mobench.measure.judges import AnyJudge, JudgeChoice
from mobench.plan.cells import Cell, digest, examples_hash, grid
from mobench.plan.schedule import capability_checkpoints, checkpoints
from mobench.progress import Progress
from mobench.registry import Example, OrganismSpec, Registry, Settled, TaskDef
from mobench.registry.spec import Preset
from mobench.score.compatibility import Compatibility
from mobench.store import RunFolder
from mobench.store.atomic import write_lines
from mobench.store.rows import read_rows


@dataclass(frozen=True)
class Asked:
    """What the user asked for.

    Attributes:
        preset_name: Name of the preset, for the manifest.
        command: The command line that asks for the same.
        runs: Folder that holds run folders.
        cache: Folder that holds built organisms.
        max_steps: Low rungs may be extended up to this many steps; None leaves them as they are.
        engine: What answers: ``hf``, the model that was trained, or ``vllm``.
        controls: Whether the controls are run too.
        allow_incompatible: Whether a task that fails the compatibility gate is run all the same.
        judge: The model that judges; None where the behavior needs none.
    """

    spec: OrganismSpec
    task: TaskDef
    preset_name: str
    preset: Preset
    device: str
    offline: bool
    command: str
    runs: Path
    cache: Path
    max_steps: int | None = None
    engine: Literal["hf", "vllm"] = "hf"
    controls: bool = True
    allow_incompatible: bool = False
    judge: JudgeChoice | None = None


@dataclass(frozen=True)
class Prepared:
    """A ladder that is ready to be trained."""

    asked: Asked
    registry: Registry
    built: Built
    tokenizer: Any
    judge: AnyJudge
    settled: Settled | None
    examples: tuple[Example, ...]
    cells: tuple[Cell, ...]
    folder: RunFolder
    gate: Mapping[str, Any]
    counter: tuple[Example, ...]
    compatibility: Compatibility
    judging: Judging | None = None


def prepare(asked: Asked, registry: Registry, progress: Progress) -> Prepared:
    """Builds the organism, gates it and the task, and lays out the cells.

    Raises:
        MobenchError: The organism cannot be built, does not show the behavior it claims, or the
            task is not compatible with it; or a judging model is needed and missing, or judges too
            few of its answers.
    """
    spec = asked.spec
    known = before(asked, registry, progress)
    refuse_incompatible(asked, known.compatibility)
    judging = known.judging
    backend = backend_of(asked.device, spec.dtype, asked.engine)
    kept = checkpoints(asked.preset.steps, asked.preset.window_checkpoints)
    cells = grid(
        spec,
        asked.preset,
        organism_weights=known.built.weights_hash,
        task=asked.task.name,
        task_version=asked.task.version,
        examples=examples_hash(known.examples),
        checkpoints=kept,
        capability_checkpoints=capability_checkpoints(
            asked.preset.steps, asked.preset.capability_checkpoints, kept
        ),
        backend=backend,
        judge=None if judging is None else judging.identity,
    )
    name = (
        f"{spec.name}--{asked.task.name}--{asked.preset_name}-{digest([c.id for c in cells])[:8]}"
    )
    folder = RunFolder(asked.runs / name)
    write_lines(folder.examples(), [example.record() for example in known.examples])
    if asked.engine == "hf":
        for who, file in (("organism", GATE), ("base", CLEAN)):
            if (known.reference / file).is_file():
                rows = read_rows(known.reference / file)
                folder.reference(who).keep_rows(
                    "attack", [{"cell": who, "step": 0, **row} for row in rows]
                )
    return Prepared(
        asked,
        registry,
        known.built,
        known.tokenizer,
        judge_for(judging, spec, registry, folder.replies(), known.reference / REPLIES),
        known.settled,
        known.examples,
        tuple(cells),
        folder,
        known.gate,
        known.counter,
        known.compatibility,
        judging,
    )


def refuse_incompatible(asked: Asked, found: Compatibility) -> None:
    """Refuses a task that fails the gate, unless that was asked for.

    Raises:
        MobenchError: It fails.
    """
    if found.compatible or asked.allow_incompatible:
        return
    reasons = "".join(f"\n  - {reason}" for reason in found.reasons)
    raise MobenchError(
        f"task {asked.task.name!r} is not compatible with {asked.spec.name}:{reasons}",
        f"nothing was trained; take another task or mend this one ({asked.task.path}:"
        f"{asked.task.line}), or give --allow-incompatible: the result is then marked, and not "
        "ranked",
    )
