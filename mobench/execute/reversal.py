"""The reversal arm: is what a rung removed gone, or only covered by what it was trained to do?

From the end of the rung that removes the behavior, every seed goes on for a short while at the
usual learning rate on data that undo the task: plain answers after a pirate's, or the organism's
own after another author's. If the behavior comes back, it had been suppressed. Three controls stand
beside it, of one seed each:

- ``reversal-base``: the clean base taken the same way. If it shows the behavior too, the undoing
  data teach it, and a return means nothing.
- ``reversal-organism``: the organism as it was, on the undoing data alone. If those take the
  behavior from it, that nothing returns means nothing.
- ``onward``: going on with the task itself, which may bring the behavior back just as well.
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
from mobench.records.names import REVERSAL_ARMS
from mobench.score import RunScore
from mobench.score.reversal import removing_rung


def reversal_arms(
    ladder: Ladder, score: RunScore, cells: Sequence[Cell], base: Arm | None
) -> tuple[Arm, ...]:
    """Returns the arms that go on from the removing rung.

    They depend on the finished ladder alone, so a run that is stopped and started again comes to
    the same ones.

    Args:
        ladder: The ladder.
        score: Of the finished ladder.
        cells: The cells that it is scored from, all finished.
        base: The clean base under the same training; None where it was not trained.

    Returns:
        None where nothing was removed, no task undoes this one, or that task is not compatible.
    """
    undoing, rung = ladder.undoing, removing_rung(score)
    if rung is None or undoing is None or undoing.task is None or not undoing.examples:
        return ()
    preset, examples = ladder.request.preset, undoing.examples
    parents = [cell for cell in cells if cell.lr == rung.lr and _ended_well(ladder, cell)]
    if not parents:
        return ()
    wanted = len(parents) if preset.reversal is True else int(preset.reversal)
    undo = replace(
        parents[0],
        arm="reversal",
        task=undoing.task.name,
        task_version=undoing.task.version,
        examples=examples_hash(examples),
    )
    standard, steps = ladder.request.spec.ladder.standard_lr, preset.steps
    own = reversal_cells(undo, parents[:wanted], steps=steps, lr=standard)
    arms = [Arm(ladder, ladder.organism.folder, examples, own)]
    onward = replace(parents[0], arm="onward")
    onward_cells = reversal_cells(onward, parents[:1], steps=steps, lr=standard)
    arms.append(ladder_arm(ladder, onward_cells))
    alone = replace(own[0], arm="reversal-organism", parent=None)
    arms.append(Arm(ladder, ladder.organism.folder, examples, (alone,)))
    of_base = [] if base is None else [cell for cell in base.cells if cell.lr == rung.lr]
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


def begin_from_parents(arm: Arm, lanes: Lanes) -> None:
    """Puts the weights that cells go on from into their lanes.

    Moments are not taken over: whoever trains a model that they were given has none.

    Args:
        arm: Cells, one for each lane; those that they go on from are trained. Of other arms than a
            reversal's nothing is done.
        lanes: Their lanes, before an optimizer takes them.
    """
    for lane, cell in enumerate(arm.cells):
        if cell.arm in REVERSAL_ARMS and cell.parent is not None:
            folder = arm.ladder.folder.cell(cell.parent)
            ended = folder.result()
            assert ended is not None
            lanes.load(lane, folder.read_adapter(max(ended["checkpoints"])))


def _ended_well(ladder: Ladder, cell: Cell) -> bool:
    result = ladder.folder.cell(cell.id).result()
    return result is not None and result["status"] == "done"
