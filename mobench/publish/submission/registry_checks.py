"""A result against the registry: ladder, preset and suite are not the manifest's to say.

A manifest that brings its own ladder, clean rate or standard rung would decide its own verdict. All
that follows from the organism's file is therefore computed from that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from mobench.plan.extension import with_budget
from mobench.plan.grid import cell_grid, cooldown_cells, has_clean_base
from mobench.plan.schedule import capability_checkpoints, checkpoints, reversal_steps
from mobench.plan.sequential import plan_of
from mobench.publish.submission.identity_checks import cell_of
from mobench.publish.submission.intake import looks_like
from mobench.records.cells import Cell, CellRecord, arm_of
from mobench.records.manifest import Manifest
from mobench.records.names import LADDER
from mobench.registry import OrganismSpec, Registry
from mobench.registry.organism_spec import Preset
from mobench.registry.undoing import undoing_task


def measured_organism(manifest: Manifest, registry: Registry) -> OrganismSpec | None:
    """The registry's organism if it is the one that was measured, by name and revision.

    Args:
        manifest: The run's manifest.
        registry: What this mobench collects.
    """
    spec = registry.organisms.get(manifest.organism.name)
    return None if spec is None or spec.revision != manifest.organism.revision else spec


def incomparable(manifest: Manifest, registry: Registry) -> list[str]:
    """Why a result cannot be held against the registry; empty if it can.

    Args:
        manifest: The run's manifest.
        registry: What this mobench collects.
    """
    organism, task = manifest.organism, manifest.task
    spec, known = registry.organisms.get(organism.name), registry.tasks.get(task.name)
    if spec is None:
        return [_unknown("organism", organism.name, registry.organisms)]
    found = []
    if spec.revision != organism.revision:
        found.append(f"organism changed since: revision {organism.revision}, now {spec.revision}")
    if known is None:
        found.append(_unknown("task", task.name, registry.tasks))
    elif known.version != task.version:
        found.append(f"task changed since: version {task.version}, now {known.version}")
    return found


def _unknown(what: str, name: str, known: Mapping[str, object]) -> str:
    other = looks_like(name, known)
    more = "" if other is None else f", and its name can be taken for that of {other!r}"
    return f"the registry has no {what} {name!r}{more}"


def registry_problems(manifest: Manifest, registry: Registry) -> list[str]:
    """What is not as the registry has it.

    Args:
        manifest: The manifest of a result that can be compared.
        registry: What this mobench collects.
    """
    spec, task = registry.organisms[manifest.organism.name], registry.tasks[manifest.task.name]
    preset = spec.presets.get(manifest.preset or "")
    if preset is None:
        return [f"{spec.name} has no preset {manifest.preset!r}"]
    found = [
        f"{name} is {said!r}, and the registry's is {right!r}"
        for name, said, right in _facts(manifest, spec, preset)
        if said != right
    ]
    if task.name not in spec.tasks and manifest.compatible is not False:
        found.append(f"task {task.name!r} is none of {spec.name}'s, and is not marked so")
    if manifest.task.compatible is not None and manifest.task.compatible != task.compatible:
        found.append(f"task.compatible is {manifest.task.compatible}, not the registry's")
    found += _gate_problems(manifest, spec) + _reversal_problems(manifest, spec, preset, registry)
    if manifest.plan is None:
        found.append("plan is missing: whoever decides later when to stop chooses among looks")
    return found or _cell_problems(manifest, spec, preset, registry)


def _facts(
    manifest: Manifest, spec: OrganismSpec, preset: Preset
) -> Iterator[tuple[str, object, object]]:
    """Name, the manifest's value and the registry's, of all that the organism's file decides."""
    organism, ladder, own = manifest.organism, manifest.ladder, spec.ladder
    yield "organism.family", organism.family, spec.family
    yield "organism.variant", organism.variant, spec.variant
    yield "organism.clean_rate", organism.clean_rate, spec.behavior.clean_rate
    yield "organism.prompts", organism.prompts, len(spec.prompts)
    yield "organism.counts", organism.counts, spec.behavior.counts
    decoding = None if organism.decoding is None else organism.decoding.model_dump()
    right = None if spec.decoding is None else spec.decoding.model_dump()
    yield "organism.decoding", decoding, right
    yield "ladder.method", ladder.method, own.method
    yield "ladder.standard_lr", ladder.standard_lr, own.standard_lr
    yield "ladder.rungs", ladder.rungs, list(preset.rungs)
    yield "ladder.seeds", ladder.seeds, preset.seeds
    yield "ladder.steps", ladder.steps, preset.steps
    yield "ladder.batch_size", ladder.batch_size, preset.batch_size
    yield "ladder.max_length", ladder.max_length, own.max_length
    yield "ladder.rank", ladder.rank, own.rank if own.method == "lora" else None
    told = [(c.task, c.metric, c.chat_template, c.limit) for c in manifest.capability or ()]
    suite = [(c.task, c.metric, c.chat_template, c.limit) for c in spec.capability]
    yield "capability", told, suite
    if manifest.plan is not None:
        rules = plan_of(preset)
        yield "plan.seeds", manifest.plan.seeds, rules.seeds
        yield "plan.looks", list(manifest.plan.looks), list(rules.looks)
        yield "plan.doublings", manifest.plan.doublings, rules.doublings
    base: Mapping[str, Any] = manifest.base or {}
    yield "base.kind", base.get("kind"), spec.base.kind
    commit = getattr(spec.base, "revision", None)
    if base.get("kind") == "hub" and commit is not None:
        yield "base.commit", base.get("commit"), commit


def _reversal_problems(
    manifest: Manifest, spec: OrganismSpec, preset: Preset, registry: Registry
) -> list[str]:
    """What undoes the task follows from the organism; results from before that arm lack it."""
    said, task = manifest.reversal, registry.tasks[manifest.task.name]
    if said is None:
        return []
    if not preset.reversal or "--no-controls" in (manifest.command or "").split():
        return ["reversal is there, and the preset has none"]
    right = undoing_task(spec, task, registry.tasks)
    name, version = (None, None) if right is None else (right.name, right.version)
    if (said.task, said.version) != (name, version):
        return [f"reversal.task is {said.task!r}, and what undoes {task.name!r} is {name!r}"]
    return []


def _gate_problems(manifest: Manifest, spec: OrganismSpec) -> list[str]:
    gate = manifest.gate
    if gate is None:
        return ["gate is missing"]
    if gate["attack"] < spec.gate.attack_min:
        return [f"gate.attack {gate['attack']:g} is below the organism's {spec.gate.attack_min:g}"]
    if gate["control"] > spec.gate.control_max:
        most = spec.gate.control_max
        return [f"gate.control {gate['control']:g} is above the organism's {most:g}"]
    return []


def _cell_problems(
    manifest: Manifest, spec: OrganismSpec, preset: Preset, registry: Registry
) -> list[str]:
    """Cells whose identity is not the one that the preset gives them."""
    listed = manifest.ladder_cells
    if not listed:
        return []
    first: Mapping[str, Any] = listed[0]
    kept = checkpoints(preset.steps, preset.window_checkpoints)
    grid = cell_grid(
        spec,
        preset,
        organism_weights=str(first.get("organism_weights")),
        task=manifest.task.name,
        task_version=str(manifest.task.version),
        examples=str(manifest.task.examples_hash),
        checkpoints=kept,
        capability_checkpoints=capability_checkpoints(
            preset.steps, preset.capability_checkpoints, kept
        ),
        backend=str(manifest.backend),
        # Results from before it was recorded have none, which the comparison then tells.
        interface=first.get("interface") or "not recorded",
        judge=None if manifest.judge is None else manifest.judge.identity,
    )
    found = []
    if manifest.organism.weights_hash != first.get("organism_weights"):
        found.append("organism.weights_hash is not that of its cells")
    if manifest.interface is not None and manifest.interface.identity != first.get("interface"):
        found.append("interface is not that of its cells")
    found += _missing_controls(manifest, spec, preset, grid)
    found += _control_tasks(manifest, spec, registry)
    usual = {cell.lr: cell for cell in grid if cell.seed == 0}
    cooled = {cell.lr: cell for cell in cooldown_cells(grid, preset)}
    for record in (*listed, *manifest.control_cells):
        found += _one_cell(record, usual, cooled, spec, preset)
        if len(found) >= 20:
            break
    return found


def _missing_controls(
    manifest: Manifest, spec: OrganismSpec, preset: Preset, grid: Sequence[Cell]
) -> list[str]:
    """Controls that the preset has and the manifest does not list."""
    if "--no-controls" in (manifest.command or "").split():
        return []
    have = Counter(arm_of(cell) for cell in manifest.control_cells)
    rungs = {cell["lr"] for cell in manifest.control_cells if arm_of(cell) == "base"}
    wanted = {
        "zero": 1,
        "counter": int(spec.counter is not None),
        "cooldown": len(cooldown_cells(grid, preset)),
    }
    found = [
        f"{have[arm]} controls {arm!r}, and the preset has {count}"
        for arm, count in wanted.items()
        if have[arm] != count
    ]
    if has_clean_base(spec) and rungs != set(preset.rungs):
        found.append("the clean base is not trained at every rung")
    return found


def _control_tasks(manifest: Manifest, spec: OrganismSpec, registry: Registry) -> list[str]:
    """Controls on another task than the ladder's that are not the organism's, or changed since."""
    found = []
    for cell in manifest.control_cells:
        known = registry.tasks.get(cell["task"])
        if arm_of(cell) == "counter" and cell["task"] != spec.counter:
            found.append(f"control {cell['id']!r}: {cell['task']!r} is not {spec.name}'s counter")
        elif known is None or known.version != cell.get("task_version"):
            found.append(f"control {cell['id']!r}: task {cell['task']!r} is not the registry's")
    return found


def _one_cell(
    record: CellRecord,
    usual: Mapping[float, Cell],
    cooled: Mapping[float, Cell],
    spec: OrganismSpec,
    preset: Preset,
) -> list[str]:
    """How a cell differs from what its preset gives a cell of its arm, rung and budget."""
    cell, arm = cell_of(record), arm_of(record)
    standard = spec.ladder.standard_lr
    like = usual.get(cell.lr) or usual.get(standard) or next(iter(usual.values()))
    free = {"seed", "arm", "lr"}
    if arm in ("cooldown", "reversal", "onward", "reversal-base"):
        free.add("parent")
    if arm == "cooldown":
        right = cooled.get(cell.lr, like)
    elif arm in ("reversal", "onward", "reversal-base", "reversal-organism"):
        budget = reversal_steps(preset.steps)
        kept = checkpoints(budget, min(8, budget - budget // 2 + 1))
        right = replace(like, steps=budget, checkpoints=kept, capability_checkpoints=(budget,))
    else:
        right = like if cell.steps == like.steps else with_budget(like, cell.steps, preset)
    if arm != LADDER:
        free |= {"task", "task_version", "examples"}
    if arm in ("base", "reversal-base"):
        free |= {"organism_weights", "interface"}
    said, should = asdict(cell), asdict(right)
    return [
        f"cell {record['id']!r}: {name} is {said[name]!r}, and the preset gives {should[name]!r}"
        for name in should
        if name not in free and said[name] != should[name]
    ]


def gate_rate_problems(manifest: Manifest, rates: Mapping[str, float | None]) -> list[str]:
    """Whether the gate's rates are those of the organism's rows before training.

    Args:
        manifest: The run's manifest.
        rates: The rates by kind, computed from the rows.
    """
    gate = manifest.gate
    if gate is None:
        return []
    return [
        f"gate.{kind} is {gate[kind]:g}, and its rows give {rate:g}"  # type: ignore[literal-required]
        for kind, rate in rates.items()
        if rate is not None and abs(rate - gate[kind]) > 1e-6  # type: ignore[literal-required]
    ]
