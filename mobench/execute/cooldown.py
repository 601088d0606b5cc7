"""The arm ``cooldown``: the ladder's cells gone on with while the learning rate decays to nothing.

Ordinary training ends with a decayed rate, and a ladder does not. What a high rate costs in
capability is partly noise that a decay takes away, so it may be cheaper than its plateau shows; and
the behavior may come back as the noise goes. A cooled cell goes on from the last checkpoint of the
ladder's own, with its moments and its order of examples.
"""

from __future__ import annotations

from mobench.execute.arms import Arm, ladder_arm
from mobench.execute.going_on import begin_at_ends
from mobench.execute.ladder import Ladder
from mobench.lanes import Stack
from mobench.plan.grid import cooldown_cells
from mobench.records.cells import Cell
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState


def cooldown_arms(ladder: Ladder) -> tuple[Arm, ...]:
    """The ladder's cells cooled down, where the preset asks for it.

    Cells that longer runs take the place of are cooled too, and their longer ones are not: a
    cooldown shows what decay does to a rung of the ordinary budget.
    """
    cells = cooldown_cells(ladder.cells, ladder.request.preset)
    return (ladder_arm(ladder, cells),) if cells else ()


def awaited_by_cooldown(ladder: Ladder) -> frozenset[str]:
    """Ids of the cells that a cooldown goes on from."""
    parents = (cell.parent for cool in cooldown_arms(ladder) for cell in cool.cells)
    return frozenset(parent for parent in parents if parent is not None)


def parent_of(arm: Arm, cell: Cell) -> Cell | None:
    """The ladder's cell whose steps a cooled one goes on with; None where steps begin anew."""
    if cell.arm != "cooldown":
        return None
    return next(one for one in arm.ladder.cells if one.id == cell.parent)


def branch_off(arm: Arm, lanes: Stack, optimizer: LaneAdamW) -> PackState:
    """Puts weights and moments where the cells begin that cooled cells go on from.

    Args:
        arm: Cells of a cooldown, one for each lane; those that they go on from are trained.
        lanes: Their lanes.
        optimizer: Their optimizer.

    Returns:
        The state after the steps of the cells that are gone on with. A cell that diverged there
        has diverged here.

    Raises:
        MobenchError: What has to be known of a cell is not there.
    """
    parents = [parent for cell in arm.cells if (parent := parent_of(arm, cell)) is not None]
    return begin_at_ends(
        [arm.folder(parent) for parent in parents], parents[0].steps, lanes, optimizer
    )
