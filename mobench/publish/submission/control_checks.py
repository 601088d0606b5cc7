"""What must be true of a submitted result's controls and of what its gate found."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

ARMS = ("zero", "counter", "base")

# As for the task of the ladder: it is printed on a page.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_IDENTITY = ("arm", "task", "lr", "seed", "steps")


def of_manifest(manifest: Mapping[str, Any]) -> list[str]:
    """Problems with the manifest's list of controls and its compatibility.

    Both are missing in results from before there were any.
    """
    found = []
    controls = manifest.get("controls")
    if controls is not None and not (
        isinstance(controls, list)
        and all(isinstance(c, Mapping) and isinstance(c.get("id"), str) for c in controls)
    ):
        found.append("controls should be a list of cells with ids")
    gate = manifest.get("compatibility")
    if gate is None:
        return found
    reasons = gate.get("reasons") if isinstance(gate, Mapping) else None
    if (
        not isinstance(reasons, list)
        or not all(isinstance(reason, str) for reason in reasons)
        or not isinstance(gate.get("compatible"), bool)
    ):
        found.append("compatibility should have compatible (true or false) and reasons (texts)")
    elif gate["compatible"] is bool(reasons):
        found.append("compatibility should be false with reasons, or true without any")
    return found


def of_cells(cells: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> list[str]:
    """Problems with the controls' cells.

    Args:
        cells: Their records; ids, learning rates, seeds and steps are known to be of their kinds.
        manifest: Without problems of its own.
    """
    listed = {control["id"]: control for control in manifest.get("controls") or []}
    found = [
        f"control {identity!r} is missing"
        for identity in sorted(listed.keys() - {cell["id"] for cell in cells})
    ]
    for cell in cells:
        told = listed.get(cell["id"])
        if told is None:
            found.append(f"cell {cell['id']!r} is not in the manifest's controls")
            continue
        found += [
            f"control {cell['id']!r}: {key} {cell.get(key)!r} is not the manifest's"
            for key in _IDENTITY
            if cell.get(key) != told.get(key)
        ]
        found += [f"control {cell['id']!r}: {what}" for what in _control(cell, manifest)]
    return found


def _control(cell: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """What its arm demands of a control."""
    arm, task, lr, ladder = cell.get("arm"), cell.get("task"), cell["lr"], manifest["ladder"]
    if arm not in ARMS:
        return [f"arm should be one of {', '.join(ARMS)}, got {arm!r}"]
    found = []
    if not isinstance(task, str) or not _NAME.fullmatch(task):
        found.append(f"task should be letters, digits, '.', '_' and '-', got {task!r}")
    elif (task == manifest["task"]["name"]) is (arm == "counter"):
        found.append(f"task {task!r} cannot be that of {arm!r}")
    steps, rungs = ladder.get("steps"), ladder.get("rungs")
    if type(steps) is int and cell["steps"] != steps:
        found.append(f"{cell['steps']} steps, the manifest plans {steps}")
    right = {
        "zero": lr == 0,
        "counter": math.isclose(lr, ladder["standard_lr"], rel_tol=1e-6),
        "base": not isinstance(rungs, list) or lr in rungs,
    }
    if not right[str(arm)]:
        found.append(f"LR {lr:g} cannot be that of {arm!r}")
    return found
