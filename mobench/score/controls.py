"""What the controls show: each against its own start, with the numbers of a rung.

Controls have one seed, so an interval speaks of that run alone (``within-run``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mobench.score.row_arrays import BASE, ORGANISM, RowTable
from mobench.score.rung_arrays import measured
from mobench.score.rung_score import Setting, score_rung
from mobench.score.scores import Control

ARMS = ("zero", "counter", "base")
"""Learning rate 0; direct counter-training; the clean base under the same training."""
SHARED = ("organism", "organism_revision", "method", "rank", "backend")
"""What a control has in common with the ladder beside which it stands."""


def arm_of(cell: Mapping[str, Any]) -> str:
    """A cell's arm; cells from before there were controls are the ladder's."""
    return str(cell.get("arm", ORGANISM))


def check_controls(controls: Sequence[Mapping[str, Any]], ladder: Mapping[str, Any]) -> None:
    """Refuses controls that do not belong to a ladder.

    Args:
        controls: Cell records.
        ladder: Any cell of the ladder.

    Raises:
        ValueError: An unknown arm, another run's cell, or one arm, learning rate and seed twice.
    """
    seen: set[tuple[str, float, int]] = set()
    for cell in controls:
        arm, place = arm_of(cell), (arm_of(cell), float(cell["lr"]), int(cell["seed"]))
        if arm not in ARMS:
            raise ValueError(f"cell {cell['id']!r} has the arm {arm!r}; known: {', '.join(ARMS)}")
        for name in SHARED:
            if cell.get(name) != ladder.get(name):
                raise ValueError(
                    f"control {cell['id']!r} is of another run: {name} is {cell.get(name)!r}, "
                    f"not {ladder.get(name)!r}"
                )
        if place in seen:
            raise ValueError(
                f"two controls are {arm!r} at learning rate {place[1]:g}, seed {place[2]}"
            )
        seen.add(place)


def score_controls(
    table: RowTable, controls: Sequence[Mapping[str, Any]], setting: Setting
) -> tuple[Control, ...]:
    """Scores every control, those of one arm and learning rate together.

    Args:
        table: All rows, the controls' among them.
        controls: Cell records that :func:`check_controls` let through.
        setting: What the ladder is scored with.

    Returns:
        In the order of :data:`ARMS`, learning rates rising.

    Raises:
        ValueError: Rows past the budget.
    """
    groups: dict[tuple[int, float], list[Mapping[str, Any]]] = {}
    for cell in sorted(controls, key=lambda cell: int(cell["seed"])):
        place = (ARMS.index(arm_of(cell)), float(cell["lr"]))
        groups.setdefault(place, []).append(cell)
    return tuple(_score(table, groups[place], setting) for place in sorted(groups))


def _score(table: RowTable, group: Sequence[Mapping[str, Any]], setting: Setting) -> Control:
    arm = arm_of(group[0])
    on_base = arm == "base"
    scored = score_rung(measured(table, group, start=BASE if on_base else ORGANISM), setting)
    return Control(
        arm=arm,
        task=str(group[0]["task"]),
        lr=scored.lr,
        steps=scored.steps,
        seeds=scored.seeds,
        diverged=scored.diverged,
        plateau=scored.plateau,
        # The base never had the behavior: there is nothing that could be removed from it.
        removals=() if on_base else scored.removals,
        capability_loss=scored.capability_loss,
        control=scored.control,
        inert=scored.inert,
    )
