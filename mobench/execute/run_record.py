"""The manifest of a run in progress: what was asked, of what, with what, and what counts so far."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from mobench.execute.arms import Arm
from mobench.execute.growth import Growth
from mobench.execute.ladder import Ladder
from mobench.execute.reversal import reversal_arms
from mobench.execute.run_clock import Phase, RunClock
from mobench.machine.hardware import detect
from mobench.measure.capability_tasks import how_asked
from mobench.measure.vllm import installed
from mobench.plan import extension
from mobench.plan.extension import Extension
from mobench.records.cells import Cell
from mobench.records.manifest import Manifest
from mobench.records.names import RUN_SCHEMA
from mobench.registry.weights_files import parameter_count
from mobench.score import RunScore
from mobench.score.recompute import recompute
from mobench.store.finished_run import finished_ladder
from mobench.store.provenance import git, versions


class RunRecord:
    """Keeps a run's manifest true while the run goes on.

    Args:
        ladder: The ladder.
        controls: The arms beside it.
        build_seconds: Time that building and gating took.
    """

    def __init__(self, ladder: Ladder, controls: Sequence[Arm], *, build_seconds: float) -> None:
        self._ladder = ladder
        folder = ladder.folder
        previous = folder.manifest() if folder.manifest_path.is_file() else None
        before = None if previous is None else previous.seconds
        self._clock = RunClock(folder, before, build_seconds=build_seconds)
        described = describe(ladder)
        if previous is not None:
            # Whoever goes on with a run did not begin it.
            kept = previous.to_json()
            described |= {key: kept[key] for key in ("created", "git") if key in kept}
        described["max_steps_set_later"] = extension.bound_set_later(
            previous,
            ladder.request.options.max_steps,
            any_done=any(ladder.done(cell) for cell in ladder.cells),
        )
        self._described = described
        self._controls = tuple(controls)
        self._reversal: tuple[Arm, ...] | None = None
        self.growth = Growth(ladder, self._controls)
        planned = None if previous is None else previous.plan
        any_done = any(ladder.done(cell) for cell in ladder.cells)
        self._plan_changed = planned is not None and (
            planned.changed_later or (planned.hash != self.growth.hash and any_done)
        )
        self.extensions: tuple[Extension, ...] | None = None

    def timed(self, phase: Phase) -> AbstractContextManager[None]:
        """Adds the time of a block to a phase, whether it ends well or not."""
        return self._clock.timed(phase)

    def grow(self) -> bool:
        """Lets the sequential plan ask for more; returns whether there is more to train."""
        return self.growth.advance(self._described)

    def plan_reversal(self) -> tuple[Arm, ...]:
        """Returns the arms that undo the task, where the finished ladder removed the behavior.

        Longer runs of low rungs belong to the ladder: they may change which rung that is.
        """
        ladder, extensions = self._ladder, self.extensions
        if ladder.undoing is None or not self.growth.finished:
            return ()
        if extensions is None and ladder.request.options.max_steps is not None:
            return ()
        longer = [cell for item in extensions or () for cell in item.cells]
        cells = extension.scored_cells(self.growth.counted, extensions or (), ladder.done)
        bases = [cell for cell in self.growth.beside(self._controls) if cell.arm == "base"]
        if not all(map(ladder.done, (*self.growth.grown.cells(), *longer, *bases))):
            return ()
        base = next((arm for arm in self._controls if arm.cells[0].arm == "base"), None)
        if base is not None:
            base = base.of(bases)
        self._reversal = reversal_arms(ladder, self._score([*cells, *bases]), cells, base)
        return self._reversal

    def _grown_score(self) -> RunScore | None:
        """The score of the ladder as its plan has grown it; None until that is finished."""
        ladder, growth = self._ladder, self.growth
        if not growth.finished or not all(ladder.done(cell) for cell in growth.grown.cells()):
            return None
        return self._score(growth.scored)

    def _score(self, cells: Sequence[Cell]) -> RunScore:
        """The score of some finished cells."""
        records = [cell.record() for cell in cells]
        described = Manifest.model_validate(self._described)
        run = finished_ladder(self._ladder.folder, described, records)
        return recompute(run.manifest, run.cells, run.rows)

    def plan_extensions(self) -> None:
        """Lays out the longer runs of low rungs, where they are wanted and the plan is finished.

        Until then :attr:`extensions` is None.
        """
        ladder, max_steps = self._ladder, self._ladder.request.options.max_steps
        if self.extensions is not None or max_steps is None:
            return
        score = self._grown_score()
        if score is not None:
            self.extensions = extension.plan_extensions(
                score.rungs, self.growth.grown.cells(), ladder.request.preset, max_steps
            )

    def keep(self) -> None:
        """Writes the manifest, with the cells that count at this moment."""
        ladder, longer, growth = self._ladder, self.extensions, self.growth
        cells = extension.scored_cells(growth.counted, longer or (), ladder.done)
        undoing = [cell for arm in self._reversal or () for cell in arm.cells]
        manifest = {
            **self._described,
            "plan": growth.record(changed_later=self._plan_changed),
            **self._undoing(undoing),
            "controls": [
                *(cell.record() for cell in growth.beside(self._controls)),
                *(cell.record() for cell in undoing),
            ],
            "extensions": None if longer is None else [item.record() for item in longer],
            "cells": [cell.record() for cell in cells],
            "seconds": self._clock.total(),
        }
        ladder.folder.keep_manifest(Manifest.model_validate(manifest))

    def _undoing(self, cells: Sequence[Cell]) -> dict[str, Any]:
        """What undoes the task, as the manifest has it; nothing where the run is not to undo it."""
        undoing = self._ladder.undoing
        if undoing is None:
            return {}
        planned = None if self._reversal is None else [cell.id for cell in cells]
        part = undoing.record().model_dump(exclude_unset=True)
        return {"reversal": {**part, "cells": planned}}


def describe(ladder: Ladder) -> dict[str, Any]:
    """The manifest without its cells: what was asked, of what, with what; no path of a machine."""
    request, spec = ladder.request, ladder.request.spec
    task, options, preset = request.task, request.options, request.preset
    vllm = {"vllm": installed()} if options.engine == "vllm" else {}
    capability_dir = ladder.suite.capability_dir
    # Only where the organism's file says so: a manifest without them is as it was before them.
    counts = {} if spec.behavior.counts is None else {"counts": spec.behavior.counts}
    drawn = {} if spec.decoding is None else {"decoding": spec.decoding.model_dump()}
    judge = {} if ladder.judge_model is None else {"judge": ladder.judge_model.record()}
    return {
        "schema": RUN_SCHEMA,
        "organism": {
            "name": spec.name,
            "family": spec.family,
            "variant": spec.variant,
            "title": spec.title,
            "summary": spec.summary,
            "source": spec.source,
            "license": spec.license,
            "revision": spec.revision,
            "weights_hash": ladder.organism.weights_hash,
            "params": parameter_count(ladder.organism.folder),
            "clean_rate": spec.behavior.clean_rate,
            "prompts": len(spec.prompts),
            **counts,
            **drawn,
        },
        "task": {
            "name": task.name,
            "version": task.version,
            "policy": task.policy,
            "compatible": task.compatible,
            "why": task.why,
            "examples_hash": ladder.cells[0].examples,
            "examples": len(ladder.examples),
        },
        "preset": options.preset,
        "ladder": {
            "method": spec.ladder.method,
            "standard_lr": spec.ladder.standard_lr,
            "rungs": list(preset.rungs),
            "seeds": preset.seeds,
            "steps": preset.steps,
            "batch_size": preset.batch_size,
            "rank": ladder.cells[0].rank,
            "alpha": ladder.cells[0].alpha,
            "max_length": spec.ladder.max_length,
            **_training(ladder.cells[0]),
        },
        "max_steps": options.max_steps,
        "command": request.command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions() | vllm,
        "git": git(ladder.registry.config.organisms[0]),
        "hardware": _hardware(request.device),
        "backend": ladder.cells[0].backend,
        "base": ladder.organism.base,
        "interface": ladder.suite.interface.model_dump(mode="json"),
        "gate": dict(ladder.gate),
        "compatibility": ladder.compatibility.to_json(),
        "capability": [
            one.model_dump() | how_asked(one, include_path=capability_dir)
            for one in spec.capability
        ],
        **judge,
    }


def _training(cell: Cell) -> dict[str, Any]:
    """How the weights move, as all cells of a ladder have it."""
    targets = cell.targets if isinstance(cell.targets, str) else list(cell.targets)
    return {
        "targets": targets if cell.method == "lora" else None,
        "schedule": cell.schedule,
        "warmup_steps": cell.warmup_steps,
        "decay_steps": cell.decay_steps,
        "weight_decay": cell.weight_decay,
        "betas": list(cell.betas),
        "max_norm": cell.max_norm,
    }


def _hardware(device: str) -> dict[str, Any]:
    """What this machine is; how much of its memory is free just now is not part of that."""
    facts = asdict(detect(device))
    # How many GPUs a model is spread over, the device's name says.
    for passing in ("memory_available_gb", "gpu_memory_available_gb", "gpus"):
        del facts[passing]
    for size in ("memory_gb", "gpu_memory_gb"):
        facts[size] = None if facts[size] is None else round(facts[size], 1)
    return facts
