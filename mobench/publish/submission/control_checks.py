"""What must be true of the controls of a submitted result."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from mobench.plan.schedule import cooldown_steps
from mobench.publish.submission.plan_checks import grown_rungs
from mobench.publish.submission.reversal_checks import cell_problems, reversal_problems
from mobench.records.cells import CellRecord, FinishedCell, arm_of
from mobench.records.manifest import Manifest
from mobench.records.names import CONTROL_ARMS, REVERSAL_ARMS

# As for the task of the ladder: it is printed on a page.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def control_problems(cells: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """Problems with the controls' cells.

    Args:
        cells: Their records.
        manifest: The run's manifest, which lists them.
    """
    listed = {control["id"]: control for control in manifest.control_cells}
    found = [
        f"control {identity!r} is missing"
        for identity in sorted(listed.keys() - {cell["id"] for cell in cells})
    ]
    for cell in cells:
        planned = listed.get(cell["id"])
        if planned is None:
            found.append(f"cell {cell['id']!r} is not in the manifest's controls")
            continue
        found += [
            f"control {cell['id']!r}: {name} {ours!r} is not the manifest's"
            for name, ours, theirs in _identities(cell, planned)
            if ours != theirs
        ]
        found += [f"control {cell['id']!r}: {what}" for what in _arm_problems(cell, manifest)]
    return found + reversal_problems(cells, manifest)


def _identities(cell: FinishedCell, planned: CellRecord) -> tuple[tuple[str, object, object], ...]:
    """What tells one control from another: name, the cell's value, the plan's."""
    return (
        ("arm", arm_of(cell), arm_of(planned)),
        ("task", cell["task"], planned["task"]),
        ("lr", cell["lr"], planned["lr"]),
        ("seed", cell["seed"], planned["seed"]),
        ("steps", cell["steps"], planned["steps"]),
        ("parent", cell.get("parent"), planned.get("parent")),
    )


def _arm_problems(cell: FinishedCell, manifest: Manifest) -> list[str]:
    """What its arm demands of a control."""
    arm, task, lr, ladder = arm_of(cell), cell["task"], cell["lr"], manifest.ladder
    if arm not in CONTROL_ARMS:
        return [f"arm should be one of {', '.join(CONTROL_ARMS)}, got {arm!r}"]
    if arm in REVERSAL_ARMS:
        return cell_problems(cell, manifest)
    found = []
    if not _NAME.fullmatch(task):
        found.append(f"task should be letters, digits, '.', '_' and '-', got {task!r}")
    elif (task == manifest.task.name) is (arm == "counter"):
        found.append(f"task {task!r} cannot be that of {arm!r}")
    if ladder.steps is not None:
        planned = ladder.steps + (cooldown_steps(ladder.steps) if arm == "cooldown" else 0)
        grown = {rung.steps for rung in grown_rungs(manifest) if rung.lr == lr and arm == "base"}
        if cell["steps"] not in {planned, *grown}:
            found.append(f"{cell['steps']} steps, the manifest plans {planned}")
    if (cell.get("parent") is None) is (arm == "cooldown"):
        found.append(f"parent {cell.get('parent')!r} cannot be that of {arm!r}")
    right = {
        "zero": lr == 0,
        "counter": math.isclose(lr, ladder.standard_lr, rel_tol=1e-6),
        "base": ladder.rungs is None or lr in ladder.rungs,
        "cooldown": ladder.rungs is None or lr in ladder.rungs,
    }
    if not right[arm]:
        found.append(f"LR {lr:g} cannot be that of {arm!r}")
    return found
