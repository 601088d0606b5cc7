"""What must be true of a submitted result's reversal; results from before have none."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mobench.plan.schedule import reversal_steps
from mobench.records.cells import FinishedCell, arm_of
from mobench.records.manifest import Manifest
from mobench.records.names import REVERSAL_ARMS


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
    return _left_out(controls, manifest)


def _left_out(controls: Sequence[FinishedCell], manifest: Manifest) -> list[str]:
    """A seed of the removing rung that was passed over could be the one that went another way."""
    parents = {cell.get("parent") for cell in controls if arm_of(cell) == "reversal"}
    begun = [cell for cell in manifest.ladder_cells if cell["id"] in parents]
    if len({cell["lr"] for cell in begun}) > 1:
        return ["its reversal begins from several rungs"]
    rung = [cell for cell in manifest.ladder_cells if begun and cell["lr"] == begun[0]["lr"]]
    first = sorted(rung, key=lambda cell: cell["seed"])[: len(begun)]
    if {cell["id"] for cell in first} != {cell["id"] for cell in begun}:
        return ["its reversal leaves out seeds of the rung"]
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
    own = (manifest.task.name, manifest.task.examples_hash)
    right = own if arm == "onward" else (plan.task, plan.examples_hash)
    if (cell["task"], cell.get("examples")) != right:
        found.append(f"task {cell['task']!r} or its examples cannot be that of {arm!r}")
    if not math.isclose(cell["lr"], ladder.standard_lr, rel_tol=1e-6):
        found.append(f"LR {cell['lr']:g} cannot be that of {arm!r}")
    if ladder.steps is not None and cell["steps"] != reversal_steps(ladder.steps):
        found.append(f"{cell['steps']} steps are not half of the ladder's {ladder.steps}")
    ladder_cells: list[str | None] = [one["id"] for one in manifest.ladder_cells]
    parents: dict[str, list[str | None]] = {
        "reversal": ladder_cells,
        "onward": ladder_cells,
        "reversal-base": [one["id"] for one in manifest.control_cells if arm_of(one) == "base"],
        "reversal-organism": [None],
    }
    if cell.get("parent") not in parents[arm]:
        found.append(f"parent {cell.get('parent')!r} cannot be that of {arm!r}")
    return found
