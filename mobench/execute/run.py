"""A whole run in this process: prepare, measure the references, then pack after pack.

The ladder comes first, then its controls. Where it was asked for beforehand, low rungs are then
trained again for longer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from mobench.assemble.loading import load_model, parameter_count
from mobench.decode.answers import MAX_ROWS
from mobench.decode.batch_size import Rows
from mobench.execute import controls
from mobench.execute.controls import Arm
from mobench.execute.measuring import capability_batch, capability_rows
from mobench.execute.packs import run_cells
from mobench.execute.prepare import Asked, Prepared, prepare
from mobench.execute.serving import serve_cells
from mobench.machine.hardware import detect
from mobench.machine.heap import keep_freed_memory
from mobench.machine.memory_errors import is_out_of_memory
from mobench.measure.attack_rows import attack_rows
from mobench.measure.capability_tasks import check_capability, how_asked
from mobench.measure.vllm import installed
from mobench.plan import extension as extend
from mobench.plan.cells import Cell
from mobench.plan.extension import Extension
from mobench.plan.memory_budget import no_room
from mobench.plan.packing import Fit
from mobench.progress import Progress
from mobench.publish.scoring import score_cells
from mobench.registry import Registry
from mobench.store import RunFolder
from mobench.store.provenance import git, versions


def run_ladder(asked: Asked, registry: Registry, fit: Fit, progress: Progress) -> RunFolder:
    """Runs every cell that is not finished yet.

    Args:
        asked: What the user asked for.
        registry: Where tasks and capability files lie.
        fit: How cells are put into memory; a smaller way is taken where it does not fit.
        progress: Where progress is shown.

    Returns:
        The run's folder, complete.

    Raises:
        MobenchError: Something that the user can mend; what was measured stays.
    """
    try:
        return _run(asked, registry, fit, progress)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    raise no_room(asked)


def _run(asked: Asked, registry: Registry, fit: Fit, progress: Progress) -> RunFolder:
    """:func:`run_ladder`; memory may run out before the first pack and after the last."""
    keep_freed_memory()
    check_capability(asked.spec.capability, include_path=registry.capability_dirs[0])
    started = time.monotonic()
    ready = prepare(asked, registry, progress)
    seconds: dict[str, float] = {"build": time.monotonic() - started, "train": 0.0, "measure": 0.0}
    previous = _previous(ready.folder)
    before: dict[str, float] = previous.get("seconds") or {}
    for phase, value in before.items():
        seconds[phase] += value
    arms = controls.control_arms(ready)
    manifest = describe(ready) | {"controls": controls.records(arms)}
    manifest.update({key: previous[key] for key in ("created", "git") if key in previous})
    some = any(_done(ready, cell) for cell in ready.cells)
    manifest["max_steps_set_later"] = extend.set_later(previous, asked.max_steps, any_done=some)

    served = asked.engine == "vllm"

    def work(arms: Sequence[Arm], longer: Sequence[Extension] | None) -> None:
        nonlocal fit
        unfinished = [
            Arm(arm.ready, tuple(cell for cell in arm.cells if not _done(ready, cell)))
            for arm in arms
        ]
        for arm in unfinished:
            fit = run_cells(
                arm.ready,
                arm.cells,
                fit,
                seconds,
                progress,
                measure=not served,
                done=lambda: _keep(ready, manifest, longer, seconds),
            )
        if served:
            seconds["measure"] += serve_cells(ready, unfinished, progress)
            _keep(ready, manifest, longer, seconds)

    # Known from the start where the ordinary ladder is finished: its longer cells stay counted.
    longer = _extensions(ready, manifest)
    _keep(ready, manifest, longer, seconds)
    if not served:
        seconds["measure"] += _references(ready, progress)
    work([Arm(ready, ready.cells), *arms], longer)
    if longer is None:
        longer = _extensions(ready, manifest)
        _keep(ready, manifest, longer, seconds)
    for item in longer or ():
        progress.note(f"lr={item.lr:g} is run for {item.steps} steps (6·N·S: {item.needed_steps})")
    for group in extend.by_budget(longer or ()):
        work([Arm(ready, tuple(group))], longer)
    return ready.folder


def _done(ready: Prepared, cell: Cell) -> bool:
    return ready.folder.cell(cell.id).done


def _extensions(ready: Prepared, manifest: Mapping[str, Any]) -> tuple[Extension, ...] | None:
    """Which rungs are to be longer; None where that was not asked for or cannot be known yet."""
    asked = ready.asked
    if asked.max_steps is None or not all(_done(ready, cell) for cell in ready.cells):
        return None
    score = score_cells(ready.folder, manifest, [cell.record() for cell in ready.cells])
    return extend.plan(score.rungs, ready.cells, asked.preset, asked.max_steps)


def _keep(
    ready: Prepared,
    manifest: Mapping[str, Any],
    longer: Sequence[Extension] | None,
    seconds: Mapping[str, float],
) -> None:
    """Writes the manifest, with the cells that count at this moment."""
    cells = extend.counted(ready.cells, longer or (), lambda cell: _done(ready, cell))
    ready.folder.keep_manifest(
        {
            **manifest,
            "extensions": None if longer is None else [item.record() for item in longer],
            "cells": [cell.record() for cell in cells],
            "seconds": _rounded(seconds),
        }
    )


def _previous(folder: RunFolder) -> dict[str, Any]:
    return folder.manifest() if folder.manifest_path.is_file() else {}


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {phase: round(value, 1) for phase, value in seconds.items()}


def describe(ready: Prepared) -> dict[str, Any]:
    """The manifest without its cells: what was asked, of what, with what; no path of a machine."""
    asked, spec = ready.asked, ready.asked.spec
    return {
        "schema": "mobench.run/1",
        "organism": {
            "name": spec.name,
            "family": spec.family,
            "variant": spec.variant,
            "title": spec.title,
            "summary": spec.summary,
            "source": spec.source,
            "license": spec.license,
            "revision": spec.revision,
            "weights_hash": ready.built.weights_hash,
            "params": parameter_count(ready.built.folder),
            "clean_rate": spec.behavior.clean_rate,
            "prompts": len(spec.prompts),
        },
        "task": {
            "name": asked.task.name,
            "version": asked.task.version,
            "policy": asked.task.policy,
            "compatible": asked.task.compatible,
            "why": asked.task.why,
            "examples_hash": ready.cells[0].examples,
            "examples": len(ready.examples),
        },
        "preset": asked.preset_name,
        "ladder": {
            "method": spec.ladder.method,
            "standard_lr": spec.ladder.standard_lr,
            "rungs": list(asked.preset.rungs),
            "seeds": asked.preset.seeds,
            "steps": asked.preset.steps,
            "batch_size": asked.preset.batch_size,
            "rank": ready.cells[0].rank,
            "alpha": ready.cells[0].alpha,
            "max_length": spec.ladder.max_length,
        },
        "max_steps": asked.max_steps,
        "command": asked.command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions() | ({"vllm": installed()} if asked.engine == "vllm" else {}),
        "git": git(ready.registry.config.organisms[0]),
        "hardware": _hardware(asked.device),
        "backend": ready.cells[0].backend,
        "base": ready.built.base,
        "gate": dict(ready.gate),
        "compatibility": ready.compatibility.to_json(),
        "capability": [
            c.model_dump() | how_asked(c, include_path=ready.registry.capability_dirs[0])
            for c in spec.capability
        ],
        **({"judge": ready.judging.record()} if ready.judging else {}),
    }


def _references(ready: Prepared, progress: Progress) -> float:
    """Rows of the organism and of its clean base before any training.

    Returns:
        Seconds spent.
    """
    started = time.monotonic()
    spec = ready.asked.spec
    places: list[tuple[str, Path | None]] = [
        ("organism", ready.built.folder),
        ("base", ready.built.clean),
    ]
    for who, where in places:
        folder = ready.folder.reference(who)
        parts = [part for part in ("attack", "capability") if not folder.has_rows(part)]
        if where is None or not parts:
            continue
        model = load_model(where, dtype=spec.dtype, device=ready.asked.device)
        with progress.phase(f"measuring the {who} before training", len(parts)) as tick:
            for part in parts:
                rows = (
                    capability_rows(ready, model, capability_batch(ready, progress))
                    if part == "capability"
                    else Rows(MAX_ROWS, progress).fitting(partial(_answers, ready, model))
                )
                folder.keep_rows(part, [{"cell": who, "step": 0, **row} for row in rows])
                tick()
    return time.monotonic() - started


def _answers(ready: Prepared, model: Any, max_rows: int) -> list[dict[str, Any]]:
    """Attack and control rows of a plain model."""
    spec = ready.asked.spec
    return attack_rows(
        model, ready.tokenizer, spec, ready.judge, settled=ready.settled, max_rows=max_rows
    )[0]


def _hardware(device: str) -> dict[str, Any]:
    """What this machine is; how much of its memory is free just now is not part of that."""
    facts = asdict(detect(device))
    for passing in ("memory_available_gb", "gpu_memory_available_gb"):
        del facts[passing]
    for size in ("memory_gb", "gpu_memory_gb"):
        facts[size] = None if facts[size] is None else round(facts[size], 1)
    return facts
