"""The reversal arm: is what a rung removed gone, or only covered by what it was trained to do?

From the end of the rung that removes the behavior, every seed goes on for a short while at the
usual learning rate on data that undo the task: the organism's own answers after another author's.
If the behavior comes back, it had been suppressed. Two controls stand beside it, of one seed each:
going on with the task itself, which may bring it back just as well; and the clean base taken the
same way, which the undoing data may teach the behavior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mobench.execute.arms import CONTROL_SEED, Arm, ladder_arm
from mobench.execute.ladder import Ladder
from mobench.lanes import Lanes
from mobench.plan.grid import reversal_cells
from mobench.records.cells import Cell
from mobench.records.examples import examples_hash
from mobench.score import RunScore
from mobench.train.pack import PackState

REMOVING = ("defeated", "defeated only at high LR")
"""Verdicts on a behavior that some rung removes."""


def removing_rung(score: RunScore) -> float | None:
    """Returns the learning rate of the rung that a verdict says removes the behavior."""
    verdict = score.verdict
    return verdict.rests_on[-1] if verdict.word in REMOVING and verdict.rests_on else None


def reversal_arms(
    ladder: Ladder, score: RunScore, cells: Sequence[Cell], base: Arm | None
) -> tuple[Arm, ...]:
    """Returns the arms that go on from the removing rung.

    Args:
        ladder: The ladder.
        score: Of the finished ladder.
        cells: Its cells, grown ones among them; all are finished.
        base: The clean base under the same training; None where it was not trained.

    Returns:
        None where the preset asks for no reversal, nothing was removed, no task undoes this one, or
        that task is not compatible itself.
    """
    preset, spec = ladder.request.preset, ladder.request.spec
    lr = removing_rung(score)
    if not preset.reversal or lr is None or ladder.undoing is None:
        return ()
    compatibility, examples = ladder.gated(ladder.undoing)
    if not compatibility.compatible or not examples:
        return ()
    parents = [cell for cell in cells if cell.lr == lr and _ended_well(ladder, cell)]
    if not parents:
        return ()
    wanted = len(parents) if preset.reversal is True else int(preset.reversal)
    undo = replace(
        parents[0],
        arm="reversal",
        task=ladder.undoing.name,
        task_version=ladder.undoing.version,
        examples=examples_hash(examples),
    )
    standard, steps = spec.ladder.standard_lr, preset.steps
    own = reversal_cells(undo, parents[:wanted], steps=steps, lr=standard)
    arms = [Arm(ladder, ladder.organism.folder, examples, own)]
    onward = replace(parents[0], arm="onward")
    onward_cells = reversal_cells(onward, parents[:1], steps=steps, lr=standard)
    arms.append(ladder_arm(ladder, onward_cells))
    of_base = [] if base is None else [cell for cell in base.cells if cell.lr == lr]
    for cell in of_base:
        if cell.seed == CONTROL_SEED and _ended_well(ladder, cell):
            like = replace(
                undo,
                arm="reversal-base",
                organism_weights=cell.organism_weights,
                interface=cell.interface,
            )
            taken = reversal_cells(like, [cell], steps=steps, lr=standard)
            assert base is not None
            arms.append(Arm(ladder, base.weights, examples, taken))
            break
    return tuple(arms)


def goes_on_afresh(cell: Cell) -> bool:
    """Whether a cell begins with another's weights and with nothing else of it."""
    return cell.arm in ("reversal", "onward", "reversal-base")


def start_from_parents(arm: Arm, lanes: Lanes) -> PackState:
    """Puts the weights that cells go on from into their lanes.

    Moments are not taken over: whoever trains a model that they were given has none.

    Args:
        arm: Cells of a reversal, one for each lane; those that they go on from are trained.
        lanes: Their lanes.
    """
    for lane, cell in enumerate(arm.cells):
        assert cell.parent is not None
        folder = arm.ladder.folder.cell(cell.parent)
        ended = folder.result()
        assert ended is not None
        lanes.load(lane, folder.read_adapter(max(ended["checkpoints"])))
    return PackState.fresh(len(arm.cells))


def _ended_well(ladder: Ladder, cell: Cell) -> bool:
    result = ladder.folder.cell(cell.id).result()
    return result is not None and result["status"] == "done"
