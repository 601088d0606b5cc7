"""Whether a result's cells are what their ids say, and ended as they can have ended.

An id is a hash over everything that a cell is: organism, task, budget, checkpoints, backend. So a
cell that was renamed, or of which one number was changed, no longer has its own id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mobench.records.cells import Cell, CellRecord, FinishedCell
from mobench.records.manifest import Manifest

_ENDED = ("status", "diverged_at", "checkpoints", "train_tokens", "train_seconds")
"""Fields of a finished cell that say how it ended."""
NOT_LISTED = "its manifest does not list the whole identity of its cells, so no id can be computed"


def identity_problems(
    manifest: Manifest, cells: Sequence[FinishedCell]
) -> tuple[list[str], list[str]]:
    """Holds the cells' ids against their identities.

    Args:
        manifest: The run's manifest, which lists the cells as they were planned.
        cells: The cells as they ended.

    Returns:
        What is wrong; and what cannot be known.
    """
    planned = {cell["id"]: cell for cell in (*manifest.ladder_cells, *manifest.control_cells)}
    wrong: list[str] = []
    computed = {}
    for identity, cell in planned.items():
        try:
            computed[identity] = cell_of(cell).id
        except TypeError:
            return wrong, [NOT_LISTED]
    wrong += [
        f"cell {identity!r} should be {right!r}, the hash of its identity"
        for identity, right in computed.items()
        if identity != right
    ]
    ended = {cell["id"] for cell in cells}
    if not planned or any(cell["id"] not in planned for cell in cells):
        return wrong, [NOT_LISTED]
    wrong += [f"cell {one!r} of the manifest did not end" for one in sorted(planned.keys() - ended)]
    for cell in cells:
        wrong += [f"cell {cell['id']!r}: {what}" for what in _end_problems(cell, planned)]
    return wrong, []


def cell_of(record: CellRecord | Mapping[str, Any]) -> Cell:
    """A cell by its record.

    Raises:
        TypeError: A part of its identity is not recorded.
    """
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in record.items()}
    del fields["id"]
    return Cell(**cast(dict[str, Any], fields))


def _end_problems(cell: FinishedCell, planned: Mapping[str, CellRecord]) -> list[str]:
    """What does not fit between a cell as it was planned and as it ended."""
    plan: Mapping[str, Any] = planned[cell["id"]]
    found = [
        f"{name} {value!r} is not the manifest's, {plan.get(name)!r}"
        for name, value in cell.items()
        if name not in _ENDED and value != plan.get(name)
    ]
    found += [f"{name} is missing" for name in plan if name not in cell]
    kept, end = list(plan["checkpoints"]), cell.get("diverged_at")
    if cell["status"] == "diverged":
        if end is None or not 1 <= end <= cell["steps"]:
            found.append(f"it diverged at step {end!r} of {cell['steps']}")
            return found
        kept = [step for step in kept if step < end]
    elif end is not None:
        found.append(f"status {cell['status']!r}, and it diverged at step {end}")
    if cell.get("checkpoints") != kept:
        found.append(f"checkpoints should be {kept}, those that it reached")
    return found
