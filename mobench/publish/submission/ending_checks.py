"""Whether cells ended as their answers say: what diverged or did not move is no evidence of a rate.

A seed that lost the behavior could be called diverged, and one that kept it unmoved: either way it
no longer counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from mobench.records.cells import FinishedCell, arm_of
from mobench.records.names import BASE, LADDER, ORGANISM
from mobench.records.rows import Row

MOVED = 0.05
"""Share of answers that engines may give otherwise from the very same weights."""


def unmoved_problems(cells: Sequence[FinishedCell], rows: Sequence[Row]) -> list[str]:
    """Cells that are said not to have moved, and answer otherwise than what they began from.

    Args:
        cells: All cells.
        rows: All rows.
    """
    still = {cell["id"]: _beginning(cell) for cell in cells if cell["status"] == "unmoved"}
    if not still:
        return []
    begun = set(still.values())
    last: dict[str, int] = {}
    for row in rows:
        if row["cell"] in begun and row["kind"] != "capability":
            last[row["cell"]] = max(row["step"], last.get(row["cell"], 0))
    before: dict[tuple[object, ...], object] = {}
    for row in rows:
        if row["kind"] != "capability" and row["step"] == last.get(row["cell"]):
            before[row["cell"], row["kind"], row["prompt"], row.get("draw")] = row["outcome"]
    asked: dict[str, list[bool]] = {}
    for row in rows:
        if row["cell"] in still and row["kind"] != "capability":
            place = (still[row["cell"]], row["kind"], row["prompt"], row.get("draw"))
            asked.setdefault(row["cell"], []).append(row["outcome"] != before.get(place))
    return [
        f"cell {cell!r} is said not to have moved, and {sum(other)} of its {len(other)} answers "
        "are judged otherwise than before"
        for cell, other in asked.items()
        if sum(other) > MOVED * len(other)
    ]


def _beginning(cell: FinishedCell) -> str:
    """What a cell's training began from, as rows name it: a cell's end, or an untrained model."""
    parent = cell.get("parent")
    if parent is not None:
        return str(parent)
    return BASE if arm_of(cell) == BASE else ORGANISM


def divergence_doubts(cells: Sequence[FinishedCell]) -> list[str]:
    """Seeds that are said to have diverged at a learning rate below those at which none did.

    The higher the rate, the larger each step, so a seed that diverges where no higher rung has one
    could be one that was to be out of the way. It may also be chance: a person has to look.

    Args:
        cells: All cells.
    """
    ladder = [cell for cell in cells if arm_of(cell) == LADDER]
    ended = {cell["lr"] for cell in ladder if cell["status"] == "diverged"}
    return [
        f"a seed is said to have diverged at LR {lr:g}, and none at any higher one"
        for lr in sorted(ended)
        if not any(other > lr for other in ended) and any(cell["lr"] > lr for cell in ladder)
    ]
