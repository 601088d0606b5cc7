"""What must be true of a submitted result's reversal; results from before have none."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mobench.records.cells import FinishedCell, arm_of
from mobench.records.manifest import Manifest
from mobench.records.names import REVERSAL_ARMS
from mobench.registry.reversal_budget import reversal_steps


def reversal_problems(controls: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """Problems with the reversal as a whole.

    Args:
        controls: The controls' cells, which a reversal's are among.
        manifest: The run's manifest.
    """
    plan = manifest.reversal
    if plan is None:
        return []
    if plan.cells is None:
        command = manifest.command or "mobench run"
        return [f"its reversal was not run yet; go on with: {command}"]
    if plan.cells and (plan.task is None or plan.refused):
        return ["its reversal has cells, and nothing compatible that undoes the task"]
    have = {cell["id"] for cell in controls if arm_of(cell) in REVERSAL_ARMS}
    if have != set(plan.cells):
        return ["its reversal's cells are not those that the manifest lists for it"]
    return []


def cell_problems(cell: FinishedCell, manifest: Manifest) -> list[str]:
    """Problems with one cell of a reversal.

    Args:
        cell: Its record.
        manifest: The run's manifest.
    """
    plan, ladder, arm = manifest.reversal, manifest.ladder, arm_of(cell)
    if plan is None:
        return [f"arm {arm!r}, and the manifest has no reversal"]
    found = []
    if cell["task"] != plan.task or cell.get("examples") != plan.examples_hash:
        found.append(f"task {cell['task']!r} or its examples are not the reversal's")
    if not math.isclose(cell["lr"], ladder.standard_lr, rel_tol=1e-6):
        found.append(f"LR {cell['lr']:g} cannot be that of {arm!r}")
    if ladder.steps is not None and cell["steps"] != reversal_steps(ladder.steps):
        found.append(f"{cell['steps']} steps are not half of the ladder's {ladder.steps}")
    parents: dict[str, list[str | None]] = {
        "reversal": [one["id"] for one in manifest.ladder_cells],
        "reversal-base": [one["id"] for one in manifest.control_cells if arm_of(one) == "base"],
        "reversal-organism": [None],
    }
    if cell.get("parent") not in parents[arm]:
        found.append(f"parent {cell.get('parent')!r} cannot be that of {arm!r}")
    return found
