"""The arm ``cooldown``: the ladder's cells gone on with while the learning rate decays to nothing.

Ordinary training ends with a decayed rate, and a ladder does not. What a high rate costs in
capability is partly noise that a decay takes away, so it may be cheaper than its plateau shows; and
the behavior may come back as the noise goes. A cooled cell goes on from the last checkpoint of the
ladder's own, with its moments and its order of examples.
"""

from __future__ import annotations

import torch

from mobench.errors import MobenchError
from mobench.execute.arms import Arm, ladder_arm
from mobench.execute.ladder import Ladder
from mobench.lanes import Lanes
from mobench.plan.grid import cooldown_cells
from mobench.records.cells import Cell
from mobench.store import CellFolder
from mobench.train.optimizer import LaneAdamW, lanes_of, put_together
from mobench.train.pack import PackState


def cooldown_arms(ladder: Ladder) -> tuple[Arm, ...]:
    """The ladder's cells cooled down, where the preset asks for it.

    Cells that longer runs take the place of are cooled too, and their longer ones are not: a
    cooldown shows what decay does to a rung of the ordinary budget.
    """
    cells = cooldown_cells(ladder.cells, ladder.request.preset)
    return (ladder_arm(ladder, cells),) if cells else ()


def keep_for_cooldown(arm: Arm, optimizer: LaneAdamW, state: PackState) -> None:
    """Keeps the moments of the cells that a cooldown will go on from.

    Args:
        arm: Cells at the end of their training, one for each lane.
        optimizer: Their optimizer.
        state: Theirs too.
    """
    awaited = {cell.parent for cool in cooldown_arms(arm.ladder) for cell in cool.cells}
    lanes = [
        lane
        for lane, cell in enumerate(arm.cells)
        if cell.id in awaited and state.diverged[lane] is None
    ]
    moments = optimizer.state() if lanes else {}
    for lane in lanes:
        arm.folder(arm.cells[lane]).keep_moments(lanes_of(moments, [lane]))


def parent_of(arm: Arm, cell: Cell) -> Cell | None:
    """The ladder's cell whose steps a cooled one goes on with; None where steps begin anew."""
    if cell.arm != "cooldown":
        return None
    return next(one for one in arm.ladder.cells if one.id == cell.parent)


def branch_off(arm: Arm, lanes: Lanes, optimizer: LaneAdamW) -> PackState:
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
    folders = [arm.folder(parent) for parent in parents]
    state = PackState.fresh(len(arm.cells))
    state.step = parents[0].steps
    state.diverged = [folder.training()["diverged_at"] for folder in folders]
    living = [lane for lane, end in enumerate(state.diverged) if end is None]
    if not living:
        return state
    moments = {lane: _moments(folders[lane]) for lane in living}
    # A lane that diverged is not trained: it may have anybody's moments.
    optimizer.load(put_together([moments.get(n, moments[living[0]]) for n in range(len(folders))]))
    for lane in living:
        lanes.load(lane, folders[lane].read_adapter(state.step))
    return state


def forget_branches(arm: Arm) -> None:
    """Removes the moments of cells that nothing will go on from any more."""
    for cell in arm.cells:
        parent = parent_of(arm, cell)
        if parent is not None:
            arm.folder(parent).forget_moments()


def _moments(folder: CellFolder) -> dict[str, torch.Tensor]:
    if not folder.has_moments:
        raise MobenchError(
            f"{folder.path} was trained before its preset had a cooldown: its moments were not "
            "kept, and without them it cannot be gone on with",
            "give the same command with another folder (--runs): its ladder is trained with them",
        )
    return folder.read_moments()
