"""Cells that go on from where others ended: with their weights, their moments and their order.

A rung whose budget grows is not trained anew. A longer run of a cell takes the same steps at the
same rates on the same examples as the shorter one, and then more, so it begins at the shorter one's
end: what it takes over, checkpoints and answers before that end, is what it would have come to by
itself. A schedule that is stretched over the budget moves otherwise from the first step on, and
such a run begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mobench.errors import MobenchError
from mobench.execute.arms import Arm
from mobench.execute.ladder import Ladder
from mobench.lanes import Stack, saved_config
from mobench.plan.extension import with_budget
from mobench.plan.sequential import plan_of
from mobench.records.cells import Cell
from mobench.records.names import LADDER
from mobench.records.rows import placed
from mobench.store import CellFolder
from mobench.train.optimizer import LaneAdamW, lanes_of, put_together
from mobench.train.pack import PackState
from mobench.train.schedule import rate_factor


def may_grow(arm: Arm) -> bool:
    """Whether a longer run may go on from cells of an arm."""
    request = arm.ladder.request
    grows = bool(plan_of(request.preset).doublings) or request.options.max_steps is not None
    return grows and arm.cells[0].arm in (LADDER, "base")


def shorter_of(arm: Arm, cell: Cell) -> Cell | None:
    """Returns the longest trained cell whose end a cell goes on from.

    Args:
        arm: The cell's arm.
        cell: A cell that is not trained.

    Returns:
        None where it begins at its first step: there is no shorter one with all that it takes
        over, or the learning rate moves otherwise there.
    """
    if not may_grow(arm):
        return None
    preset = arm.ladder.request.preset
    usual = with_budget(cell, preset.steps, preset)
    for shorter in (with_budget(usual, 2 * usual.steps, preset), usual):
        if (
            shorter.steps < cell.steps
            and _leads_to(shorter, cell)
            and _is_whole(arm, shorter)
            and _can_be_taken_over(arm, shorter, cell)
        ):
            return shorter
    return None


def _leads_to(shorter: Cell, cell: Cell) -> bool:
    """Whether the steps of one cell are the first steps of another."""
    early = {step for step in cell.checkpoints if step <= shorter.steps}
    if not early <= set(shorter.checkpoints):
        return False
    rates, others = (
        rate_factor(
            one.schedule,
            steps=one.steps,
            warmup_steps=one.warmup_steps,
            decay_steps=one.decay_steps,
        )
        for one in (shorter, cell)
    )
    return all(rates(step) == others(step) for step in range(1, shorter.steps + 1))


def _is_whole(arm: Arm, cell: Cell) -> bool:
    """Whether a cell is trained, and what has to be known of its end is there."""
    folder = arm.folder(cell)
    if not folder.trained:
        return False
    end = folder.training()
    return "moved" in end and (end["diverged_at"] is not None or folder.has_moments)


def _can_be_taken_over(arm: Arm, shorter: Cell, cell: Cell) -> bool:
    """Whether a longer cell's early checkpoints, or else its answers there, are in a shorter one.

    Checkpoints that a run was not to keep are gone once they are measured.
    """
    folder = arm.folder(shorter)
    last = _last_whole_step(folder, shorter.steps)
    if last == shorter.steps and not folder.has_adapter(last):
        return False
    return all(
        folder.has_adapter(step) or _asks_no_more(arm, folder, cell, step)
        for step in cell.checkpoints
        if 0 < step <= last
    )


def _last_whole_step(folder: CellFolder, steps: int) -> int:
    """The last step of a trained cell before it diverged, if it did; else its budget."""
    end = folder.training()["diverged_at"]
    return steps if end is None else end - 1


def begin_at_ends(
    parents: Sequence[CellFolder], step: int, lanes: Stack, optimizer: LaneAdamW
) -> PackState:
    """Puts weights and moments where the cells ended that are gone on from.

    Args:
        parents: Their folders, one for each lane; all are trained.
        step: Their budget.
        lanes: The lanes.
        optimizer: Their optimizer.

    Returns:
        The state after that many steps, without losses. A cell that diverged there has diverged
        here.

    Raises:
        MobenchError: What has to be known of a cell is not there.
    """
    state = PackState.fresh(len(parents))
    state.step = step
    state.diverged = [folder.training()["diverged_at"] for folder in parents]
    living = [lane for lane, end in enumerate(state.diverged) if end is None]
    if not living:
        return state
    moments = {lane: _moments(parents[lane]) for lane in living}
    # A lane that diverged is not trained: it may have anybody's moments.
    optimizer.load(put_together([moments.get(n, moments[living[0]]) for n in range(len(parents))]))
    for lane in living:
        lanes.load(lane, parents[lane].read_adapter(step))
    return state


def take_over(arm: Arm, shorter: Sequence[Cell], lanes: Stack, optimizer: LaneAdamW) -> PackState:
    """Begins longer runs where the shorter ones ended.

    Args:
        arm: Longer cells, one for each lane.
        shorter: What each goes on from, all of one budget; from :func:`shorter_of`.
        lanes: Their lanes.
        optimizer: Their optimizer.

    Returns:
        The state at the shorter ones' end; checkpoints before it are in the longer ones' folders.
    """
    folders = [arm.folder(cell) for cell in shorter]
    state = begin_at_ends(folders, shorter[0].steps, lanes, optimizer)
    config = saved_config(lanes)
    for lane, (cell, folder) in enumerate(zip(arm.cells, folders, strict=True)):
        end = folder.training()
        state.losses[lane] = list(end["losses"])
        state.moved[lane] = end["moved"]
        own, last = arm.folder(cell), _last_whole_step(folder, state.step)
        for step in cell.checkpoints:
            if not 0 < step <= last:
                continue
            # One that was not kept is not missed: its answers are here, and are taken over.
            if not own.has_adapter(step) and folder.has_adapter(step):
                own.keep_adapter(step, folder.read_adapter(step), config)
            _copy_answers(arm, folder, cell, step)
    state.seconds = max(folder.training().get("train_seconds", 0.0) for folder in folders)
    return state


def _copy_answers(arm: Arm, shorter: CellFolder, cell: Cell, step: int) -> None:
    """Takes over what was answered at a checkpoint, where the longer run asks no more there.

    Answers that are drawn at random are drawn for their own cell.
    """
    part = f"{step:06d}-attack"
    if not _asks_no_more(arm, shorter, cell, step) or arm.folder(cell).has_rows(part):
        return
    answers = [dict(row) for row in shorter.part(part) if row["kind"] == "attack"]
    for answer in answers:
        del answer["cell"], answer["step"]
    arm.folder(cell).keep_rows(part, placed(answers, cell=cell.id, step=step))


def _asks_no_more(arm: Arm, shorter: CellFolder, cell: Cell, step: int) -> bool:
    """Whether a longer cell has nothing to ask where the shorter one was asked already."""
    return (
        arm.ladder.request.spec.decoding is None
        and step not in cell.capability_checkpoints
        and shorter.has_rows(f"{step:06d}-attack")
    )


def keep_ends(arm: Arm, awaited: frozenset[str], optimizer: LaneAdamW, state: PackState) -> None:
    """Keeps the moments of cells that others may go on from.

    Args:
        arm: Cells at the end of their training, one for each lane.
        awaited: Ids of cells that others will go on from whatever comes.
        optimizer: Their optimizer.
        state: Theirs too.
    """
    grows = may_grow(arm)
    lanes = [
        lane
        for lane, cell in enumerate(arm.cells)
        if (grows or cell.id in awaited) and state.diverged[lane] is None
    ]
    moments = optimizer.state() if lanes else {}
    for lane in lanes:
        arm.folder(arm.cells[lane]).keep_moments(lanes_of(moments, [lane]))


def forget_ends(ladder: Ladder) -> None:
    """Removes all moments of a finished run: nothing goes on from its cells any more."""
    for folder in ladder.folder.cells():
        folder.forget_moments()


def _moments(folder: CellFolder) -> dict[str, torch.Tensor]:
    if not folder.has_moments:
        raise MobenchError(
            f"{folder.path} was trained before its preset had a cooldown: its moments were not "
            "kept, and without them it cannot be gone on with",
            "give the same command with another folder (--runs): its ladder is trained with them",
        )
    return folder.read_moments()
