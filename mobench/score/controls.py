"""The scores of the controls: the numbers of a rung, each against the model it was trained from.

Controls have one seed, so an interval speaks of that run alone (``within-run``). A cooldown has as
many as its preset says.
"""

from __future__ import annotations

from collections.abc import Sequence

from mobench.records.cells import TRAINING, FinishedCell, arm_of
from mobench.records.names import BASE, CONTROL_ARMS, ORGANISM, REVERSAL_ARMS
from mobench.score.criteria import Criteria
from mobench.score.row_table import RowTable
from mobench.score.rung_outcomes import rung_outcomes
from mobench.score.rung_score import score_rung
from mobench.score.scores import Control

SHARED = ("organism", "organism_revision", "method", *TRAINING, "backend")
"""Fields that a control has in common with the ladder that it belongs to."""


def check_controls(controls: Sequence[FinishedCell], ladder: FinishedCell) -> None:
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
        if arm not in CONTROL_ARMS:
            raise ValueError(
                f"cell {cell['id']!r} has the arm {arm!r}; known: {', '.join(CONTROL_ARMS)}"
            )
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
    table: RowTable, controls: Sequence[FinishedCell], criteria: Criteria
) -> tuple[Control, ...]:
    """Scores every control but a reversal's, those of one arm and learning rate together.

    Args:
        table: All rows, the controls' among them.
        controls: Cell records that :func:`check_controls` let through.
        criteria: What the ladder is scored by.

    Returns:
        In the order of `CONTROL_ARMS`, learning rates rising.

    Raises:
        ValueError: Rows past the budget.
    """
    groups: dict[tuple[int, float], list[FinishedCell]] = {}
    for cell in sorted(controls, key=lambda cell: int(cell["seed"])):
        if arm_of(cell) in REVERSAL_ARMS:
            continue  # which has numbers of its own: `mobench.score.reversal`
        place = (CONTROL_ARMS.index(arm_of(cell)), float(cell["lr"]))
        groups.setdefault(place, []).append(cell)
    return tuple(_score(table, groups[place], criteria) for place in sorted(groups))


def _score(table: RowTable, seeds: Sequence[FinishedCell], criteria: Criteria) -> Control:
    """Scores the seeds of one control."""
    arm = arm_of(seeds[0])
    on_base = arm == "base"
    scored = score_rung(
        rung_outcomes(table, seeds, untrained=BASE if on_base else ORGANISM), criteria
    ).score
    return Control(
        arm=arm,
        task=str(seeds[0]["task"]),
        lr=scored.lr,
        steps=scored.steps,
        seeds=scored.seeds,
        diverged=scored.diverged,
        plateau=scored.plateau,
        # The base never had the behavior: there is nothing that could be removed from it.
        # A cooldown is measured at its end alone.
        removals=scored.removals if arm in ("zero", "counter") else (),
        capability_loss=scored.capability_loss,
        control=scored.control,
        inert=scored.inert,
        admissible=scored.admissible,
        unmoved=scored.unmoved,
    )
